"""The compiled core (kraken_tui/core.py): optional, so without a C compiler the installation is pure Python."""

import os
import sys
import sysconfig

from setuptools import Extension, setup

# The same sources make the same wheel to the bit: files have one date, and the core no debug information with its path.
os.environ.setdefault("SOURCE_DATE_EPOCH", "1580601600")
_core = Extension(
    "kraken_tui._core",
    ["kraken_tui/_core.c"],
    extra_compile_args=["-O3", "-g0"] if os.name == "posix" else [],
    py_limited_api=True,
    optional=True,
)

# One file for CPython 3.11 and later; builds without the global lock have no such interface.
_suits = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    ext_modules=[_core] if _suits else [],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if _suits else {},
)
