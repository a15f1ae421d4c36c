/*
 * A network that is always there.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ESP8266WIFI_H
#define ESP8266WIFI_H

#include "Arduino.h"

class IPAddress {
public:
  IPAddress() : IPAddress(0, 0, 0, 0) {}
  IPAddress(uint8_t a, uint8_t b, uint8_t c, uint8_t d) : octets{a, b, c, d} {}
  bool operator==(const IPAddress &other) const;
  uint8_t operator[](int index) const { return octets[index]; }
  uint8_t &operator[](int index) { return octets[index]; }

private:
  uint8_t octets[4];
};

enum { WL_CONNECTED = 3, WIFI_STA = 1 };

struct WiFiClass {
  void mode(int mode);
  void begin(const char *name, const char *password);
  int status();
  int hostByName(const char *name, IPAddress &address);
};

extern WiFiClass WiFi;

#endif
