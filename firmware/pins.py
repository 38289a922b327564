"""Which GPIO carries what; `hardware/pinout.csv` is the truth and a test compares the two.

Numbers are GP numbers of the RP2040, not positions on the header.
"""

READER_SPI = 0
READER_SCK = 18
READER_MOSI = 19
READER_MISO = 16
READER_SS = 17
READER_RST = 20

I2C = 0
I2C_SDA = 4
I2C_SCL = 5
OLED_ADDRESS = 0x3C

BUZZER = 10
RING = 11
RING_PIXELS = 12

RELAY = 14
