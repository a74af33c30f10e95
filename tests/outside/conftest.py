import sys
from pathlib import Path

# These run programs as the scenarios do.
sys.path.insert(0, str(Path(__file__).parents[1] / "scenarios"))
