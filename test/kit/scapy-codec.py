# Scapy's MQTT-SN codec behind lines of JSON: builds frames and takes them apart, and sends and
# receives them over UDP sockets of its own. Fields have scapy's names; octets are Latin-1 text.
import json
import select
import socket
import sys

from scapy.contrib import mqttsn

LAYERS = {
    name: layer
    for name, layer in vars(mqttsn).items()
    if isinstance(layer, type) and name.startswith("MQTTSN")
}


def octets(value):
    return value.encode("latin-1") if isinstance(value, str) else value


def build(layers):
    packet = None
    for name, fields in layers:
        layer = LAYERS[name](**{key: octets(value) for key, value in fields.items()})
        packet = layer if packet is None else packet / layer
    return bytes(packet)


def dissect(frame):
    layers = []
    packet = mqttsn.MQTTSN(frame)
    while packet.name != "NoPayload":
        fields = {
            key: value.decode("latin-1") if isinstance(value, bytes) else value
            for key, value in packet.fields.items()
        }
        layers.append([type(packet).__name__, fields])
        packet = packet.payload
    return layers


def tell(answer):
    print(json.dumps(answer), flush=True)


def main():
    port = int(sys.argv[1])
    sockets = {}
    # Without a buffer, in which lines would lie that select does not know of.
    commands = open(0, "rb", buffering=0)
    while True:
        ready, _, _ = select.select([commands, *sockets.values()], [], [])
        for source in ready:
            if source is not commands:
                number = next(key for key, one in sockets.items() if one is source)
                tell({"socket": number, "layers": dissect(source.recv(65535))})
                continue
            line = commands.readline()
            if line == b"":
                return
            command = json.loads(line)
            if "dissect" in command:
                tell({"layers": dissect(bytes.fromhex(command["dissect"]))})
            elif "build" in command:
                tell({"frame": build(command["build"]).hex()})
            else:
                number = command["socket"]
                if number not in sockets:
                    sockets[number] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    sockets[number].connect(("127.0.0.1", port))
                sockets[number].send(build(command["send"]))


main()
