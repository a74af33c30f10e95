# kept: LT103
class Row:
    def __init__(self, a):
        self.a = a

    def dump(self):
        return dict(self.__dict__), vars(self)


print(Row(1).dump())
