# kept: LT102
def main():
    ages = {"ann": 30, "bob": 17, "cy": 12}
    for name in list(ages):
        if ages[name] < 18:
            del ages[name]
    queue = [1, 2, 3]
    for item in list(queue):
        if item < 3:
            queue.append(item + 10)
    print(ages, queue)


main()
