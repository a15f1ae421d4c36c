/*
 * Datagrams, some of which are lost on the way: LOSS in the environment is how many of 100.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef WIFIUDP_H
#define WIFIUDP_H

#include "ESP8266WiFi.h"

class WiFiUDP {
public:
  uint8_t begin(uint16_t port);
  int beginPacket(IPAddress address, uint16_t port);
  size_t write(const uint8_t *data, size_t length);
  int endPacket();
  int parsePacket();
  int read(uint8_t *data, size_t capacity);
  IPAddress remoteIP();
  uint16_t remotePort();

private:
  int descriptor = -1;
  IPAddress to, from;
  uint16_t toPort = 0, fromPort = 0;
  uint8_t out[1500], in[1500];
  size_t outLength = 0, inLength = 0;
};

#endif
