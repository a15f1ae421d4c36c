/*
 * As much of an RFM69 radio on the SPI of an emulated AVR as a driver in packet mode needs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rfm69-model.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <simavr/avr_ioport.h>
#include <simavr/avr_spi.h>

enum {
  REG_FIFO = 0x00,
  REG_OP_MODE = 0x01,
  REG_VERSION = 0x10,
  REG_RSSI_VALUE = 0x24,
  REG_IRQ_FLAGS_1 = 0x27,
  REG_IRQ_FLAGS_2 = 0x28,
  REG_PACKET_CONFIG_1 = 0x37,
  REG_PAYLOAD_LENGTH = 0x38,
  REG_NODE_ADDRESS = 0x39,
  REG_BROADCAST_ADDRESS = 0x3A
};

enum { MODE_TRANSMIT = 3, MODE_RECEIVE = 4, PACKET_SENT = 0x08, PAYLOAD_READY = 0x04 };

enum { FIFO_LENGTH = 66 };

/* A packet of middling length at 55 kBit/s. */
enum { ON_AIR_US = 6000 };

static struct {
  avr_t *avr;
  int air;
  struct sockaddr_in peer;
  bool has_peer;
  bool selected;
  bool addressed;
  bool writes;
  uint8_t address;
  uint8_t registers[128];
  uint8_t fifo[FIFO_LENGTH];
  unsigned fifo_length;
  avr_irq_t *miso;
} radio = {.air = -1};

static unsigned mode(void)
{
  return radio.registers[REG_OP_MODE] >> 2 & 7;
}

static uint8_t take_from_fifo(void)
{
  if (radio.fifo_length == 0) return 0;
  uint8_t octet = radio.fifo[0];
  radio.fifo_length--;
  memmove(radio.fifo, radio.fifo + 1, radio.fifo_length);
  if (radio.fifo_length == 0) radio.registers[REG_IRQ_FLAGS_2] &= (uint8_t)~PAYLOAD_READY;
  return octet;
}

static avr_cycle_count_t sent(avr_t *avr, avr_cycle_count_t when, void *param)
{
  (void)avr;
  (void)when;
  (void)param;
  unsigned length = radio.fifo[0];
  if (mode() == MODE_TRANSMIT && length + 1 == radio.fifo_length && radio.has_peer) {
    sendto(radio.air, radio.fifo + 1, length, 0, (struct sockaddr *)&radio.peer, sizeof radio.peer);
  }
  radio.fifo_length = 0;
  radio.registers[REG_IRQ_FLAGS_2] |= PACKET_SENT;
  return 0;
}

static uint8_t read_register(uint8_t address)
{
  switch (address) {
    case REG_FIFO:
      return take_from_fifo();
    case REG_VERSION:
      return 0x24;
    case REG_IRQ_FLAGS_1:
      return 0x80; /* the mode asked for is reached */
    case REG_RSSI_VALUE:
      return 0xE0;
    default:
      return radio.registers[address];
  }
}

static void write_register(uint8_t address, uint8_t value)
{
  if (address == REG_FIFO) {
    if (radio.fifo_length < FIFO_LENGTH) radio.fifo[radio.fifo_length++] = value;
    return;
  }
  unsigned before = mode();
  radio.registers[address] = value;
  if (address != REG_OP_MODE || mode() == before) return;
  radio.registers[REG_IRQ_FLAGS_2] &= (uint8_t)~PACKET_SENT;
  if (mode() == MODE_TRANSMIT) avr_cycle_timer_register_usec(radio.avr, ON_AIR_US, sent, NULL);
  if (mode() != MODE_RECEIVE) return;
  radio.fifo_length = 0;
  radio.registers[REG_IRQ_FLAGS_2] &= (uint8_t)~PAYLOAD_READY;
}

static void on_select(avr_irq_t *irq, uint32_t value, void *param)
{
  (void)irq;
  (void)param;
  radio.selected = value == 0;
  radio.addressed = false;
}

static void on_octet(avr_irq_t *irq, uint32_t value, void *param)
{
  (void)irq;
  (void)param;
  uint8_t answer = 0;
  if (!radio.selected) return;
  if (!radio.addressed) {
    radio.addressed = true;
    radio.writes = (value & 0x80) != 0;
    radio.address = value & 0x7F;
  } else {
    if (radio.writes) write_register(radio.address, (uint8_t)value);
    else answer = read_register(radio.address);
    if (radio.address != REG_FIFO) radio.address = (radio.address + 1) & 0x7F;
  }
  avr_raise_irq(radio.miso, answer);
}

void rfm69_connect(avr_t *avr)
{
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof here;
  radio.avr = avr;
  radio.air = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(radio.air, (struct sockaddr *)&here, length) != 0) {
    perror("air");
    exit(1);
  }
  fcntl(radio.air, F_SETFL, O_NONBLOCK);
  getsockname(radio.air, (struct sockaddr *)&here, &length);
  radio.miso = avr_io_getirq(avr, AVR_IOCTL_SPI_GETIRQ(0), SPI_IRQ_INPUT);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_SPI_GETIRQ(0), SPI_IRQ_OUTPUT), on_octet,
                          NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), 2), on_select, NULL);
  printf("air %u\n", (unsigned)ntohs(here.sin_port));
}

static bool is_for_this_radio(uint8_t to)
{
  bool filters = (radio.registers[REG_PACKET_CONFIG_1] & 0x06) == 0x04;
  return !filters || to == radio.registers[REG_NODE_ADDRESS] ||
         to == radio.registers[REG_BROADCAST_ADDRESS];
}

/* One packet at a time; those that come while the FIFO is full wait in the socket. */
void rfm69_poll(void)
{
  uint8_t packet[256];
  socklen_t length = sizeof radio.peer;
  if (radio.air < 0 || mode() != MODE_RECEIVE || radio.fifo_length > 0) return;
  ssize_t count = recvfrom(radio.air, packet, sizeof packet, 0, (struct sockaddr *)&radio.peer, &length);
  if (count < 2) return;
  radio.has_peer = true;
  if (count > radio.registers[REG_PAYLOAD_LENGTH] || count >= FIFO_LENGTH) return;
  if (!is_for_this_radio(packet[0])) return;
  radio.fifo[0] = (uint8_t)count;
  memcpy(radio.fifo + 1, packet, (size_t)count);
  radio.fifo_length = (unsigned)count + 1;
  radio.registers[REG_IRQ_FLAGS_2] |= PAYLOAD_READY;
}
