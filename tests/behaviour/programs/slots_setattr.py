# kept: LT103
class Row:
    def __init__(self, **fields):
        for name, value in fields.items():
            setattr(self, name, value)


rows = [Row(a=i, b=2) for i in range(3)]
print([r.a + r.b for r in rows])
