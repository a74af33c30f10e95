import sys
from pathlib import Path

# `layers` is a script first; its test imports it from here.
sys.path.insert(0, str(Path(__file__).parent))
