"""sqlite3 in memory: native pages and rows turned into tuples."""
import sqlite3

database = sqlite3.connect(":memory:")
database.execute("create table item (id integer primary key, name text, price real)")
database.executemany("insert into item values (?, ?, ?)", ((i, f"item {i}", i / 7) for i in range(700_000)))
rows = database.execute("select name, price from item where id % 3 = 0 order by price desc").fetchall()
print(len(rows), round(sum(price for _, price in rows), 3))
