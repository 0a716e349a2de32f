const slotCount = 16_384;
const polynomial = 0x1021;

const crc16Table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ polynomial : crc << 1;
  return crc;
});

/**
 * The slot of a key in a Redis Cluster: CRC-16/XMODEM of the key's UTF-8 bytes, or of its hash tag (what stands between
 * the first `{` and the next `}`, where that is not empty), modulo 16,384.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model
 *
 * @example
 * ```ts
 * clusterKeySlot("user:{42}:name") === clusterKeySlot("42"); // true
 * ```
 */
export function clusterKeySlot(key: string): number {
  const opening = key.indexOf("{");
  const closing = opening === -1 ? -1 : key.indexOf("}", opening + 1);
  const hashed = closing > opening + 1 ? key.slice(opening + 1, closing) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) crc = ((crc << 8) ^ (crc16Table[((crc >> 8) ^ byte) & 0xff] ?? 0)) & 0xffff;
  return crc % slotCount;
}
