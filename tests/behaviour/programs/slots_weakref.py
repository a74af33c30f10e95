# kept: LT103
import weakref


class Row:
    def __init__(self, a):
        self.a = a


rows = [Row(i) for i in range(3)]
print([weakref.ref(r)().a for r in rows])
