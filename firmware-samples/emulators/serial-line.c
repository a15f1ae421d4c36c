/*
 * A serial cable between two pseudo terminals, good or bad: serial-line FAR NEAR [BAUD]
 *
 * SPDX-License-Identifier: MIT
 *
 * Opens FAR, makes a pseudo terminal and a symbolic link NEAR to it, and carries octets both ways,
 * at most BAUD / 10 a second each way if given. Commands on standard input, one a line, each
 * answered by "ok":
 *     noise N   of 1000 octets N are changed, dropped or doubled, as a fixed seed has it
 *     garbage N puts N octets of garbage on the line, both ways
 *     unplug    NEAR goes away, with whoever has it open hung up
 *     plug      NEAR is there again, as another terminal
 * It ends with its standard input.
 */
#define _XOPEN_SOURCE 600
#define _DEFAULT_SOURCE
#include "pty.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum { BATCH = 256 };

static int far_end;
static int near_end = -1;
static int near_held = -1;
static const char *near_link;
static unsigned noise;
static uint32_t random_state = 12345;
static unsigned octets_per_second;

static uint32_t random_below(uint32_t bound)
{
  random_state = random_state * 1664525u + 1013904223u;
  return (uint32_t)((uint64_t)(random_state >> 8) * bound >> 24);
}

static void plug(void)
{
  char path[64];
  near_end = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (near_end < 0 || grantpt(near_end) != 0 || unlockpt(near_end) != 0) {
    perror("posix_openpt");
    exit(1);
  }
  snprintf(path, sizeof path, "%s", ptsname(near_end));
  near_held = open_line(path);
  unlink(near_link);
  if (symlink(path, near_link) != 0) {
    perror(near_link);
    exit(1);
  }
}

static void unplug(void)
{
  if (near_end < 0) return;
  unlink(near_link);
  close(near_held);
  close(near_end);
  near_end = -1;
}

static void put(int to, const uint8_t *octets, size_t length)
{
  while (to >= 0 && length > 0) {
    ssize_t written = write(to, octets, length);
    if (written > 0) {
      octets += written;
      length -= (size_t)written;
    } else if (errno == EAGAIN) {
      /* Full because nobody reads: as on a line without flow control, it is lost. */
      struct pollfd full = {to, POLLOUT, 0};
      if (poll(&full, 1, 20) <= 0) return;
    } else {
      return;
    }
  }
}

static void carry(int from, int to)
{
  uint8_t in[BATCH];
  uint8_t out[2 * BATCH];
  size_t most = octets_per_second == 0 ? BATCH : 1 + octets_per_second / 200;
  ssize_t count = read(from, in, most < BATCH ? most : BATCH);
  size_t length = 0;
  for (ssize_t i = 0; i < count; i++) {
    uint8_t octet = in[i];
    if (noise > 0 && random_below(1000) < noise) {
      switch (random_below(3)) {
        case 0:
          out[length++] = octet ^ (uint8_t)(1u << random_below(8));
          break;
        case 1:
          out[length++] = octet;
          out[length++] = octet;
          break;
        default:
          break;
      }
    } else {
      out[length++] = octet;
    }
  }
  put(to, out, length);
}

static void garbage(unsigned count)
{
  for (int side = 0; side < 2; side++) {
    for (unsigned i = 0; i < count; i++) {
      uint8_t octet = (uint8_t)random_below(256);
      put(side == 0 ? far_end : near_end, &octet, 1);
    }
  }
}

/* False at the end of standard input. */
static bool obey(void)
{
  char line[64];
  if (fgets(line, sizeof line, stdin) == NULL) return false;
  if (strncmp(line, "noise ", 6) == 0) noise = (unsigned)strtoul(line + 6, NULL, 10);
  else if (strncmp(line, "garbage ", 8) == 0) garbage((unsigned)strtoul(line + 8, NULL, 10));
  else if (strncmp(line, "unplug", 6) == 0) unplug();
  else if (strncmp(line, "plug", 4) == 0 && near_end < 0) plug();
  printf("ok\n");
  return true;
}

int main(int count, char **words)
{
  if (count < 3) {
    fprintf(stderr, "usage: serial-line FAR NEAR [BAUD]\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  setvbuf(stdin, NULL, _IONBF, 0);
  far_end = open_line(words[1]);
  near_link = words[2];
  octets_per_second = count > 3 ? (unsigned)strtoul(words[3], NULL, 10) / 10 : 0;
  plug();
  printf("ready\n");
  for (;;) {
    struct pollfd ends[3] = {{0, POLLIN, 0}, {far_end, POLLIN, 0}, {near_end, POLLIN, 0}};
    if (poll(ends, 3, -1) < 0) break;
    if ((ends[0].revents & (POLLIN | POLLHUP)) != 0 && !obey()) break;
    if ((ends[1].revents & POLLHUP) != 0) break;
    if ((ends[1].revents & POLLIN) != 0) carry(far_end, near_end);
    if ((ends[2].revents & POLLIN) != 0) carry(near_end, far_end);
    if (octets_per_second > 0) nanosleep(&(struct timespec){0, 5000000}, NULL);
  }
  unplug();
  return 0;
}
