# kept: LT105
def main():
    data = b""
    snapshots = []
    for i in range(3):
        data += b"x"
        snapshots.append(data)
    print(data, snapshots)


main()
