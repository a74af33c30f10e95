# any: LT105
def read_until(parts, stop):
    data = b""
    for part in parts:
        if part == stop:
            return data
        data += part
    return data + b"(all)"


print(read_until([b"a", b"b", b"c"], b"c"), read_until([b"a"], b"z"))
