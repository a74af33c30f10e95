"""Imports of a large set of packages: many shared libraries, code objects and classes."""
import numpy
import pandas
import polars
import pydantic

print(len({numpy.__name__, pandas.__name__, polars.__name__, pydantic.__name__}))
