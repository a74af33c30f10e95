"""What is compiled: two extension modules and the command. All else is in pyproject.toml."""

from setuptools import setup
from setuptools_rust import Binding, RustBin, RustExtension, Strip


def extension(name: str, crate: str) -> RustExtension:
    """An extension on the stable ABI; its functions are C functions, so no binding generator is involved."""
    return RustExtension(
        name,
        path=f"{crate}/Cargo.toml",
        binding=Binding.NoBinding,
        py_limited_api=True,
        strip=Strip.All,
        args=["--locked"],
        debug=False,
    )


setup(
    rust_extensions=[
        extension("lowtide._tracker", "crates/measure/tracker"),
        extension("lowtide._stage", "crates/change/stage"),
        RustBin("lowtide", path="crates/show/cli/Cargo.toml", strip=Strip.All, args=["--locked"], debug=False),
    ],
    # One wheel for every CPython: the extensions use the stable ABI of 3.10 and find the version out at run time.
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
