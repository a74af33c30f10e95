# kept: LT103
class Row:
    colour = "blue"

    def __init__(self, a):
        self.a = a
        if a > 1:
            self.colour = "red"


print([Row(i).colour for i in range(4)])
