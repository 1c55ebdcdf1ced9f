"""`artrt doctor`: checks what this machine has and lacks, and whether a provider works."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from ..engine.checks.doctor import BROKEN, OK, Finding, examine, provider
from ..engine.errors import ProviderError
from ..engine.sessions import resolve_provider
from ._options import json_option, provider_option
from ._report import echo_json, notice, with_origin

COLOURS = {"ok": "green", "missing": "yellow", "broken": "red"}


@click.command(name="doctor", short_help="Check this machine and a provider.")
@provider_option
@click.option("--selftest", is_flag=True, help="Run every stage on every provider and compare with the CPU.")
@json_option
def command(provider: str, selftest: bool, as_json: bool) -> None:
    r"""Check Python, GPU, runtimes, cameras and files, with a fix for everything that is missing.

    The exit code is 0 only if the requested provider (auto: any provider) runs a model here, else 3.

    \b
    artrt doctor --provider cuda
    """
    asked = _asked(provider)
    findings: list[Finding] = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            _show(finding)
    findings.append(asked())
    rows = _selftest() if selftest else []
    if as_json:
        echo_json({"findings": [asdict(finding) for finding in findings], "selftest": rows})
    else:
        _show(findings[-1])
        _table(rows)
    if findings[-1].status != OK:
        raise ProviderError(f"{findings[-1].name} does not work here: {findings[-1].detail}")
    if any(row["status"] == BROKEN for row in rows):
        raise ProviderError("the self-test failed; see its table")


def _asked(name: str) -> Any:
    resolved = resolve_provider(name)
    return lambda: provider(resolved)


def _selftest() -> list[dict[str, Any]]:
    from ..export.selftest import selftest

    return selftest(report=notice)


def _show(finding: Finding) -> None:
    status = click.style(f"{finding.status:8}", fg=COLOURS[finding.status])
    click.echo(f"{status}{finding.name:16}{finding.detail}")
    if finding.fix:
        click.echo(f"{'':24}-> {with_origin(finding.fix)}")


def _table(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    click.echo(f"\n{'stage':14}{'provider':18}{'status':9}{'median ms':>10}{'PSNR dB':>9}  detail")
    for row in rows:
        status = click.style(f"{row['status']:9}", fg=COLOURS[row["status"]])
        figures = f"{row['median_ms'] or '':>10}{row['psnr_db'] or '':>9}"
        click.echo(f"{row['stage']:14}{row['provider']:18}{status}{figures}  {row['detail']}")
