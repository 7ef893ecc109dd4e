#pragma once
#include <stdio.h>

/* Writes one line. */
void greet(FILE* out, const char* name);
