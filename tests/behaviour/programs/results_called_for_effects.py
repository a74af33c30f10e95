# kept: LT104
log = []


def process(rows):
    out = []
    for row in rows:
        log.append(row)
        out.append(row * 2)
    return out


process(range(3))
for value in process(range(2)):
    print(value)
print(log)
