#!/usr/bin/env python3
"""Turns the tables of nycflights13 into files for `sheaf import`.

    python3 demo/to_import_files.py FOLDER [OUT]

FOLDER holds flights, planes, airports and airlines as .csv or .csv.gz (without it, the month in demo/data is taken).
OUT receives nodes and relationships with the headers that `sheaf import` reads. Standard library only.
"""

import csv
import gzip
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent


def table(folder, name):
    """Yields the rows of a table as dictionaries; NA becomes nothing."""
    path = sorted(folder.glob(name + "*.csv*"))[0]
    opened = gzip.open(path, "rt", newline="") if path.suffix == ".gz" else open(path, newline="")
    with opened as file:
        for row in csv.DictReader(file):
            yield {column: "" if value == "NA" else value for column, value in row.items()}


def write(out, name, header, rows):
    with open(out / name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def flight_id(row):
    return f"{row['carrier']}{row['flight']}-{row['origin']}-{row['month']:0>2}-{row['day']:0>2}"


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "data"
    out = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "import-files")
    out.mkdir(parents=True, exist_ok=True)
    flights = list(table(folder, "flights"))
    airports = {row["faa"]: row for row in table(folder, "airports")}
    planes = {row["tailnum"]: row for row in table(folder, "planes")}
    used_airports = sorted({row[end] for row in flights for end in ("origin", "dest")})
    used_planes = sorted({row["tailnum"] for row in flights if row["tailnum"]})

    write(out, "airlines.csv", ["code:ID(Airline)", "name"],
          ([row["carrier"], row["name"]] for row in table(folder, "airlines")))
    write(out, "airports.csv", ["code:ID(Airport)", "name", "latitude:double", "longitude:double"],
          ([code] + [airports.get(code, {}).get(column, "") for column in ("name", "lat", "lon")]
           for code in used_airports))
    write(out, "planes.csv", ["tailNumber:ID(Plane)", "yearBuilt:int", "manufacturer", "model", "seats:int"],
          ([number] + [planes.get(number, {}).get(column, "") for column in ("year", "manufacturer", "model", "seats")]
           for number in used_planes))
    write(out, "flights.csv",
          ["id:ID(Flight)", "number:int", "date:date", "departureDelayMinutes:int", "arrivalDelayMinutes:int",
           "airTimeMinutes:int", "distanceMiles:int", "cancelled:boolean"],
          ([flight_id(row), row["flight"], f"{row['year']}-{row['month']:0>2}-{row['day']:0>2}", row["dep_delay"],
            row["arr_delay"], row["air_time"], row["distance"], "false" if row["dep_delay"] else "true"]
           for row in flights))
    for name, group, column in [("from", "Airport", "origin"), ("to", "Airport", "dest"),
                                ("operated_by", "Airline", "carrier"), ("flown_with", "Plane", "tailnum")]:
        write(out, name + ".csv", [":START_ID(Flight)", f":END_ID({group})"],
              ([flight_id(row), row[column]] for row in flights if row[column]))


if __name__ == "__main__":
    main()
