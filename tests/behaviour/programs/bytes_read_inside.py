# kept: LT105
def main():
    data = b""
    for i in range(6):
        data += bytes([i])
        if len(data) == 3:
            print("three", data)
    print(data)


main()
