/* samples/api/array.c -- criuimg/array.h: an array that grows. */

#include <stdio.h>

#include "criuimg/array.h"

int main(void)
{
	int *squares = NULL, sum = 0;
	size_t nr = 0, room = 0;

	for (int i = 0; i < 100; i++) {
		int *slot = img_array_more(&squares, nr, &room);

		if (!slot)
			return 1;
		*slot = i * i;
		nr++;
	}
	for (size_t i = 0; i < nr; i++)
		sum += squares[i];
	printf("%zu elements, the sum is %d\n", nr, sum);
	free(squares);
	return 0;
}
