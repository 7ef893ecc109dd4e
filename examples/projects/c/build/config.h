#pragma once
#define DEFAULT_NAME "world"
