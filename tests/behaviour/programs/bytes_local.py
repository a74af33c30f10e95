# rewritten: LT105
def chunks(n):
    for i in range(n):
        yield i.to_bytes(2, "big") * 3


def main():
    data = b""
    for chunk in chunks(20):
        data += chunk
    print(len(data), data[:12])


main()
