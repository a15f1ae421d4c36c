/*
 * Pseudo terminals that carry any octet, and that stay when whoever has opened them goes.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PTY_H
#define PTY_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* As a serial line is: nothing translated, nothing echoed. */
static inline void make_raw(int fd)
{
  struct termios settings;
  if (tcgetattr(fd, &settings) != 0) return;
  settings.c_iflag = 0;
  settings.c_oflag = 0;
  settings.c_lflag = 0;
  settings.c_cflag = CS8 | CREAD | CLOCAL;
  tcsetattr(fd, TCSANOW, &settings);
}

/* Opens the line end of a pseudo terminal; ends the program where that fails. */
static inline int open_line(const char *path)
{
  int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) {
    perror(path);
    exit(1);
  }
  make_raw(fd);
  return fd;
}

/* A new pseudo terminal; `path`, of 64 octets, is what others open. */
static inline int new_pty(char *path)
{
  int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0) {
    perror("posix_openpt");
    exit(1);
  }
  snprintf(path, 64, "%s", ptsname(fd));
  /* Kept open here too, else reading fails while nobody else has it open. */
  open_line(path);
  return fd;
}

#endif
