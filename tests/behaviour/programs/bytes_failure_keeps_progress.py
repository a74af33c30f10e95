# kept: LT105
def parts():
    yield b"one"
    yield b"two"
    raise OSError("gone")


def main():
    data = b""
    try:
        for part in parts():
            data += part
    except OSError as error:
        print("kept", data, error)


main()
