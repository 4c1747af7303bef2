"""The compiled core (kraken_tui/core.py): optional, so without a C compiler the installation is pure Python."""

import sys
import sysconfig

from setuptools import Extension, setup

# One file for CPython 3.11 and later; builds without the global lock have no such interface.
_suits = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
_core = Extension("kraken_tui._core", ["kraken_tui/_core.c"], py_limited_api=True, optional=True)

setup(
    ext_modules=[_core] if _suits else [],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if _suits else {},
)
