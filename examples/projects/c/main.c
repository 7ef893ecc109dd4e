#include <stdio.h>

#include "build/config.h"
#include "greet.h"

int main(int argc, char** argv) {
  greet(stdout, argc > 1 ? argv[1] : DEFAULT_NAME);
  return 0;
}
