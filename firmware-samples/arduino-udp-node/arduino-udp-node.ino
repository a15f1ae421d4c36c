/*
 * A sensor node on an ESP8266 or ESP32: MQTT-SN over Wi-Fi and UDP, with a TMP36 on the analogue
 * input.
 *
 * SPDX-License-Identifier: MIT
 */
#if defined(ESP32)
#include <WiFi.h>
#else
#include <ESP8266WiFi.h>
#endif
#include <WiFiUdp.h>

#include <board.h>
#include <node.h>

#ifndef WIFI_NAME
#define WIFI_NAME "my network"
#define WIFI_PASSWORD "its password"
#endif
#ifndef NODE_ID
#define NODE_ID "esp-1"
#endif
/* An address or a name; "" asks the network for a gateway (MQTT-SN 1.2 section 6.1). */
#ifndef GATEWAY_HOST
#define GATEWAY_HOST ""
#endif
#ifndef GATEWAY_PORT
#define GATEWAY_PORT 1884
#endif
#ifndef NODE_INTERVAL
#define NODE_INTERVAL 60 /* s */
#endif
#ifndef NODE_RETRY
#define NODE_RETRY 3000 /* ms */
#endif

static const uint16_t LOCAL_PORT = 1885;
static const uint32_t SEARCH_EVERY = 5000; /* T_SEARCHGW in ms */

static WiFiUDP udp;
static IPAddress gateway;
static uint16_t gatewayPort = 0; /* 0 until it is known */
static uint32_t searchedAt = 0;

/* ------------------------------------------------------------------ the gateway's address */

/* By multicast, answered by GWINFO; its sender is the gateway. */
static void searchGateway()
{
  static const uint8_t searchgw[] = {3, 0x01, 1};
  if (searchedAt != 0 && millis() - searchedAt < SEARCH_EVERY) return;
  searchedAt = millis();
  udp.beginPacket(IPAddress(225, 1, 1, 1), GATEWAY_PORT);
  udp.write(searchgw, sizeof searchgw);
  udp.endPacket();
}

static void findGateway()
{
  if (GATEWAY_HOST[0] == '\0') {
    searchGateway();
  } else if (WiFi.hostByName(GATEWAY_HOST, gateway) == 1) {
    gatewayPort = GATEWAY_PORT;
  }
}

static bool isFromGateway(const uint8_t *frame, int length)
{
  if (gatewayPort == 0) {
    if (length != 3 || frame[0] != 3 || frame[1] != 0x02) return false;
    gateway = udp.remoteIP();
    gatewayPort = udp.remotePort();
  }
  return udp.remoteIP() == gateway && udp.remotePort() == gatewayPort;
}

/* ------------------------------------------------------------------ board.h */

extern "C" {

uint32_t board_millis(void)
{
  return millis();
}

bool board_send(const uint8_t *frame, uint16_t length)
{
  if (WiFi.status() != WL_CONNECTED) return false;
  if (gatewayPort == 0) findGateway();
  if (gatewayPort == 0) return false;
  udp.beginPacket(gateway, gatewayPort);
  udp.write(frame, length);
  return udp.endPacket() == 1;
}

uint16_t board_receive(uint8_t *frame, uint16_t capacity)
{
  int size = udp.parsePacket();
  if (size <= 0) return 0;
  int length = udp.read(frame, capacity);
  /* What is longer than the node takes would be cut off: as good as lost. */
  if (length != size || !isFromGateway(frame, length)) return 0;
  return (uint16_t)length;
}

/* A TMP36: 750 mV at 25 degrees, 10 mV a degree. */
int16_t board_temperature(void)
{
#if defined(ESP32)
  int32_t millivolts = analogReadMilliVolts(34);
#else
  int32_t millivolts = (int32_t)analogRead(A0) * 1000 / 1023;
#endif
  return (int16_t)(millivolts - 500);
}

void board_led(bool on)
{
  digitalWrite(LED_BUILTIN, on ? LOW : HIGH); /* it shines when low */
}

/* Lets Wi-Fi do its work. */
void board_idle(void)
{
  delay(1);
}

/* Wi-Fi stays: the modem sleeps between beacons by itself. What comes meanwhile waits in it. */
void board_power_down(uint16_t seconds)
{
  delay(seconds * 1000ul);
}

} /* extern "C" */

void setup()
{
  static const struct node_options options = {NODE_ID, 60, 0, NODE_INTERVAL, NODE_RETRY};
  pinMode(LED_BUILTIN, OUTPUT);
  board_led(false);
  WiFi.mode(WIFI_STA);
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
  while (WiFi.status() != WL_CONNECTED) delay(100);
  udp.begin(LOCAL_PORT);
  node_start(&options);
}

void loop()
{
  node_step();
}
