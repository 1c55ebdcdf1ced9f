"""Where weights come from, without the net."""

import hashlib
import http.server
import re
import threading

import pytest

from artrt.engine.errors import InputError, IntegrityError, UsageError
from artrt.models.networks import pretrained
from artrt.models.networks.pretrained import CATALOGUE, OTHERS, WeightsFile, locate, pull, weights_directory

DATA = bytes(range(256)) * 5000


@pytest.fixture(autouse=True)
def no_torch_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def offer(monkeypatch, source, *, sha256=None):
    file = WeightsFile("tiny.pth", sha256 or hashlib.sha256(DATA).hexdigest(), len(DATA), source, "none")
    monkeypatch.setitem(CATALOGUE, "tiny", ((file,),))
    return file


@pytest.fixture
def server(tmp_path):
    """A local server of one file; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/tiny.pth" else 404)
            self.end_headers()
            self.wfile.write(DATA)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_fetched_file_is_whole_and_located(monkeypatch, server):
    offer(monkeypatch, f"{server}/tiny.pth")
    seen = []
    (path,) = pull("tiny", report=lambda done, total: seen.append((done, total)))
    assert path == weights_directory() / "tiny.pth"
    assert path.read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA))
    assert locate("tiny") == (path,)
    assert [entry.name for entry in path.parent.iterdir()] == ["tiny.pth"]


def test_what_is_there_is_not_fetched_again(monkeypatch, tmp_path):
    offer(monkeypatch, "http://127.0.0.1:9/tiny.pth")
    (tmp_path / "tiny.pth").write_bytes(DATA)
    assert pull("tiny", directory=tmp_path) == (tmp_path / "tiny.pth",)


def test_a_wrong_hash_keeps_nothing(monkeypatch, server, tmp_path):
    offer(monkeypatch, f"{server}/tiny.pth", sha256="0" * 64)
    with pytest.raises(IntegrityError, match=f"sha256 {hashlib.sha256(DATA).hexdigest()}, expected 0000"):
        pull("tiny", directory=tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/tiny.pth", "http://nowhere.invalid/tiny.pth"])
def test_offline_names_file_address_hash_and_place(monkeypatch, tmp_path, address):
    file = offer(monkeypatch, address)
    expected = (
        rf"cannot download {address}: .*put tiny.pth \(sha256 {file.sha256}\) from {address} into .*weights"
    )
    with pytest.raises(InputError, match=expected):
        pull("tiny", timeout_seconds=2)
    assert list(weights_directory().iterdir()) == []


def test_an_answer_that_is_no_file_is_told(monkeypatch, server):
    offer(monkeypatch, f"{server}/other.pth")
    with pytest.raises(InputError, match="Not Found|404"):
        pull("tiny")


def test_a_folder_that_cannot_be_made_is_told(monkeypatch, server, tmp_path):
    offer(monkeypatch, f"{server}/tiny.pth")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="By hand"):
        pull("tiny", directory=tmp_path / "file" / "below")


def test_missing_weights_say_what_to_do():
    with pytest.raises(InputError, match=r"artrt models pull vgg19.*vgg19-dcbb9e9d.pth \(sha256 dcbb9e9d"):
        locate("vgg19")
    with pytest.raises(InputError, match=r"vgg19_compact_relu5_1.safetensors .*Collaborative-Distillation"):
        locate("compact")


def test_the_first_folder_wins_and_alternatives_count(tmp_path):
    torchvision = weights_directory() / "squeezenet1_1-b8a52dc0.pth"
    torchvision.parent.mkdir(parents=True)
    torchvision.touch()
    assert locate("squeezenet1_1") == (torchvision,)
    (tmp_path / "squeezenet1_1.safetensors").touch()
    assert locate("squeezenet1_1", directory=tmp_path) == (tmp_path / "squeezenet1_1.safetensors",)


def test_a_network_of_two_files_needs_both(tmp_path):
    (tmp_path / "vgg19_normalised_relu3_1.safetensors").touch()
    with pytest.raises(InputError, match="compact are not on this machine"):
        locate("compact", directory=tmp_path)
    (tmp_path / "vgg19_compact_relu5_1.safetensors").touch()
    assert len(locate("compact", directory=tmp_path)) == 2


def test_without_an_address_nothing_can_be_pulled():
    with pytest.raises(UsageError, match="compact has no download address"):
        pull("compact")


def test_unknown_names_list_close_ones():
    with pytest.raises(UsageError, match="'vgg18'; did you mean 'vgg1"):
        locate("vgg18")


def test_the_catalogue_agrees_with_its_file_names():
    for groups in CATALOGUE.values():
        for file in (file for group in groups for file in group):
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            if file.has_address:  # torchvision puts the first digits of the hash into the name
                assert file.source.startswith("https://download.pytorch.org/models/")
                assert file.name.split("-")[1] == f"{file.sha256[:8]}.pth"


def test_runtimes_are_fetched_by_their_version():
    for name, ((file,),) in OTHERS.items():
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert re.fullmatch(rf"https://registry\.npmjs\.org/{name}/-/{name}-[\d.]+\.tgz", file.source)
        with pytest.raises(InputError, match=f"artrt models pull {name}"):
            locate(name)


def test_the_hashes_of_files_at_hand_are_right(shared_dir):
    for file in (file for groups in CATALOGUE.values() for group in groups for file in group):
        path = shared_dir / "weights" / file.name
        if path.is_file():
            assert (pretrained.sha256_of(path), path.stat().st_size) == (file.sha256, file.size_bytes)


def test_the_cache_is_platformdirs_without_the_variable(monkeypatch):
    platformdirs = pytest.importorskip("platformdirs")
    monkeypatch.delenv("ARTRT_CACHE_DIR")
    assert str(weights_directory()).startswith(platformdirs.user_cache_dir("artrt", appauthor=False))
