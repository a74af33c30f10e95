"""The layer check finds what it is there to find."""

from __future__ import annotations

from typing import Any

from layers import IN_THE_PROGRAM, Dependencies, violations


def metadata(used: dict[str, list[str]], *, in_compiler: tuple[str, ...] = ()) -> dict[str, Any]:
    """As cargo tells it, of packages that use others."""
    names = sorted({*used, *(name for names in used.values() for name in names)})
    return {
        "packages": [
            {"id": name, "name": name, "targets": [{"kind": ["proc-macro" if name in in_compiler else "lib"]}]}
            for name in names
        ],
        "workspace_members": [name for name in names if name.startswith("lowtide-")],
        "resolve": {
            "nodes": [
                {"id": name, "deps": [{"pkg": other, "dep_kinds": [{"kind": None}]} for other in used.get(name, [])]}
                for name in names
            ]
        },
    }


def found(used: dict[str, list[str]], *, in_compiler: tuple[str, ...] = ()) -> list[str]:
    whole = {"lowtide-tracker": [], "lowtide-stage": []} | used
    dependencies = Dependencies(metadata(whole, in_compiler=in_compiler))
    carried = {crate: dependencies.all_used_by(crate) for crate in IN_THE_PROGRAM}
    return list(violations(dependencies, carried))


def test_the_datas_way_is_no_violation() -> None:
    assert found({"lowtide-cli": ["lowtide-report"], "lowtide-report": ["lowtide-units"]}) == []


def test_an_arrow_backwards() -> None:
    assert found({"lowtide-profile": ["lowtide-findings"]}) == ["profile uses findings, which stands below it"]


def test_a_rule_that_sees_bytes_through_another_crate() -> None:
    used = {"lowtide-rules": ["helper"], "helper": ["lowtide-profile"]}
    assert found(used) == ["rules uses profile: a rule never sees bytes"]


def test_a_parser_in_the_measured_program() -> None:
    used = {"lowtide-tracker": ["lowtide-capture"], "lowtide-capture": ["serde"]}
    assert found(used) == ["tracker carries serde into measured programs"]


def test_what_runs_in_the_compiler_is_not_in_the_program() -> None:
    used = {"lowtide-tracker": ["thiserror"], "thiserror": ["thiserror-impl"], "thiserror-impl": ["syn"]}
    assert found(used, in_compiler=("thiserror-impl",)) == []


def test_the_parser_outside_the_source_crate() -> None:
    used = {"lowtide-rules": ["ruff_python_ast"]}
    assert found(used) == ["rules uses ruff_python_ast, which is for source alone"]


def test_a_crate_that_nobody_placed() -> None:
    assert found({"lowtide-misc": []}) == ["misc has no place in the data's way"]
