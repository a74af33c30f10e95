# any: LT103
class Node:
    def __init__(self, value):
        self.value = value

    def mark(self):
        self.seen = True


nodes = [Node(i) for i in range(5)]
nodes[2].mark()
nodes[3].colour = "red"
print([hasattr(n, "seen") for n in nodes], nodes[3].colour)
