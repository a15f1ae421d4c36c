/*
 * Runs a sketch on POSIX; it ends with standard input.
 *
 * SPDX-License-Identifier: MIT
 */
#include "WiFiUdp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

WiFiClass WiFi;

static uint32_t lossPercent = 0;
static uint32_t randomState = 20240229;
static unsigned lost = 0;

static bool isLost()
{
  randomState = randomState * 1664525u + 1013904223u;
  bool verdict = (randomState >> 8) % 100 < lossPercent;
  if (verdict) lost++;
  return verdict;
}

uint32_t millis()
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* Ends the sketch where nobody is there any more. */
void delay(uint32_t ms)
{
  struct pollfd end = {0, POLLIN, 0};
  char unused[16];
  if (poll(&end, 1, (int)ms) > 0 && ::read(0, unused, sizeof unused) <= 0) {
    printf("%u datagrams lost\n", lost);
    exit(0);
  }
}

void pinMode(uint8_t, uint8_t) {}

void digitalWrite(uint8_t pin, uint8_t value)
{
  if (pin == LED_BUILTIN) printf("led %d\n", value == LOW ? 1 : 0);
}

/* 723 mV of 1 V. */
int analogRead(uint8_t)
{
  return 740;
}

bool IPAddress::operator==(const IPAddress &other) const
{
  return memcmp(octets, other.octets, sizeof octets) == 0;
}

void WiFiClass::mode(int) {}
void WiFiClass::begin(const char *, const char *) {}

int WiFiClass::status()
{
  return WL_CONNECTED;
}

int WiFiClass::hostByName(const char *name, IPAddress &address)
{
  struct addrinfo hints;
  struct addrinfo *found = nullptr;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = AF_INET;
  if (getaddrinfo(name, nullptr, &hints, &found) != 0) return 0;
  const uint8_t *octets = (const uint8_t *)&((struct sockaddr_in *)found->ai_addr)->sin_addr;
  for (int i = 0; i < 4; i++) address[i] = octets[i];
  freeaddrinfo(found);
  return 1;
}

static struct sockaddr_in socketAddress(const IPAddress &address, uint16_t port)
{
  struct sockaddr_in result;
  memset(&result, 0, sizeof result);
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  uint8_t *octets = (uint8_t *)&result.sin_addr;
  for (int i = 0; i < 4; i++) octets[i] = address[i];
  return result;
}

/* On this machine alone, at any port: several sketches run side by side. */
uint8_t WiFiUDP::begin(uint16_t)
{
  struct sockaddr_in here = socketAddress(IPAddress(127, 0, 0, 1), 0);
  descriptor = socket(AF_INET, SOCK_DGRAM, 0);
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &here.sin_addr, sizeof here.sin_addr);
  return bind(descriptor, (struct sockaddr *)&here, sizeof here) == 0;
}

int WiFiUDP::beginPacket(IPAddress address, uint16_t port)
{
  to = address;
  toPort = port;
  outLength = 0;
  return 1;
}

size_t WiFiUDP::write(const uint8_t *data, size_t length)
{
  if (length > sizeof out - outLength) length = sizeof out - outLength;
  memcpy(out + outLength, data, length);
  outLength += length;
  return length;
}

int WiFiUDP::endPacket()
{
  if (isLost()) return 1;
  struct sockaddr_in peer = socketAddress(to, toPort);
  return sendto(descriptor, out, outLength, 0, (struct sockaddr *)&peer, sizeof peer) >= 0;
}

int WiFiUDP::parsePacket()
{
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  ssize_t count = recvfrom(descriptor, in, sizeof in, 0, (struct sockaddr *)&peer, &length);
  if (count <= 0 || isLost()) return 0;
  inLength = (size_t)count;
  const uint8_t *octets = (const uint8_t *)&peer.sin_addr;
  from = IPAddress(octets[0], octets[1], octets[2], octets[3]);
  fromPort = ntohs(peer.sin_port);
  return (int)count;
}

int WiFiUDP::read(uint8_t *data, size_t capacity)
{
  size_t length = inLength < capacity ? inLength : capacity;
  memcpy(data, in, length);
  return (int)length;
}

IPAddress WiFiUDP::remoteIP()
{
  return from;
}

uint16_t WiFiUDP::remotePort()
{
  return fromPort;
}

int main()
{
  const char *loss = getenv("LOSS");
  lossPercent = loss == nullptr ? 0 : (uint32_t)atoi(loss);
  setvbuf(stdout, nullptr, _IOLBF, 0);
  setup();
  for (;;) loop();
}
