from __future__ import annotations

import io
import tarfile

import pytest

from artrt.engine.errors import InputError, IntegrityError
from artrt.export.web import runtime
from artrt.export.web.runtime import find_runtime, read_runtime, runtime_builds, runtime_files
from artrt.models.networks.pretrained import weights_directory


def archive(folder, path, *, left_out=None):
    """The package as npm packs it."""
    with tarfile.open(path, "w:gz") as package:
        for file in sorted(folder.iterdir()):
            data = file.read_bytes()
            entry = tarfile.TarInfo(f"package/dist/{file.name}")
            entry.size = len(data)
            if file.name != left_out:
                package.addfile(entry, io.BytesIO(data))
    return path


def read(source):
    return {file.site_name: data for file, data in read_runtime(source, runtime_files(webgpu=True))}


def test_without_a_runtime_the_fix_is_said():
    with pytest.raises(
        InputError, match=r"not on this machine: run `artrt models pull onnxruntime-web`, .*--runtime"
    ):
        find_runtime()


def test_what_was_pulled_is_found(false_runtime):
    weights_directory().mkdir(parents=True)
    path = archive(false_runtime, weights_directory() / "onnxruntime-web-1.30.0.tgz")
    assert find_runtime() == path


@pytest.mark.parametrize("place", ["", "dist", "package/dist", "node_modules/onnxruntime-web/dist"])
def test_a_folder_is_searched(false_runtime, tmp_path, place):
    folder = tmp_path / "given" / place
    folder.parent.mkdir(parents=True, exist_ok=True)
    false_runtime.rename(folder)
    assert find_runtime(tmp_path / "given") == folder
    assert set(read(folder)) >= {
        "ort/ort.wasm.min.js",
        "ort/ort-wasm-simd-threaded.wasm",
        "ort/ort.webgpu.min.js",
    }


def test_archive_and_folder_give_the_same(false_runtime, tmp_path):
    assert read(archive(false_runtime, tmp_path / "a.tgz")) == read(false_runtime)


def test_another_version_is_refused(false_runtime, tmp_path):
    (false_runtime / "ort-wasm-simd-threaded.wasm").write_bytes(b"another")
    for source in (false_runtime, archive(false_runtime, tmp_path / "a.tgz")):
        with pytest.raises(
            IntegrityError, match=r"threaded.wasm in .* is not that of onnxruntime-web 1.30.0"
        ):
            read(source)


def test_what_is_no_runtime_is_told(false_runtime, tmp_path):
    with pytest.raises(InputError, match="neither an archive"):
        find_runtime(tmp_path / "nowhere")
    (tmp_path / "a.tgz").write_bytes(b"no archive")
    with pytest.raises(InputError, match="no archive of onnxruntime-web"):
        read(tmp_path / "a.tgz")
    with pytest.raises(InputError, match="no archive of onnxruntime-web .*ort.webgpu.min.mjs"):
        read(archive(false_runtime, tmp_path / "b.tgz", left_out="ort.webgpu.min.mjs"))


def test_a_site_says_which_builds_it_brings():
    names = [file.site_name for file in runtime_files(webgpu=False)]
    assert list(runtime_builds(names)) == ["WebAssembly"]
    assert list(runtime_builds(file.site_name for file in runtime_files(webgpu=True))) == [
        "WebAssembly",
        "WebGPU",
    ]


def test_the_pins_are_those_of_the_package(real_runtime):
    files = runtime.runtime_files(webgpu=True)
    for file, data in read_runtime(find_runtime(real_runtime), files):
        assert len(data) == file.size_bytes
