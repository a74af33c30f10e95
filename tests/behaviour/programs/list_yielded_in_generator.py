# kept: LT102
def batches():
    for start in range(0, 6, 3):
        batch = [start + i for i in range(3)]
        yield batch


for batch in batches():
    print(len(batch), batch)
