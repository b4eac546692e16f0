// KafkaJS brings gzip; the other codecs are registered by the user.
const { CompressionTypes, CompressionCodecs } = require('kafkajs')
const SnappyCodec = require('kafkajs-snappy')
const LZ4Codec = require('@2l/kafkajs-lz4')
const zstd = require('@bokuweb/zstd-wasm')

let zstdReady

CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec
CompressionCodecs[CompressionTypes.LZ4] = new LZ4Codec().codec
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => {
    await (zstdReady ??= zstd.init())
    return Buffer.from(zstd.compress(encoder.buffer))
  },
  decompress: async (buffer) => {
    await (zstdReady ??= zstd.init())
    return Buffer.from(zstd.decompress(buffer))
  },
})

module.exports = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}
