# rewritten: LT102
class Bücher:
	def __init__(self, titel):
		self._titel = titel

	def längen(self):
		# größte zuerst gezählt
		alle = [
			len(t)  # Zeichen, nicht Bytes
			for t in self._titel
			if t  # leere nicht
		]
		summe = 0
		for länge in alle:
			summe += länge
		return summe


print(Bücher(["Äpfel", "", "Öl"]).längen())
