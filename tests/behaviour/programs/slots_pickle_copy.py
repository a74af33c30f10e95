# any: LT103
import copy
import pickle


class Row:
    def __init__(self, a, b):
        self.a = a
        self.b = b


row = pickle.loads(pickle.dumps(Row(1, 2)))
again = copy.copy(row)
print(row.a, again.b, row.__reduce_ex__(2)[2])
