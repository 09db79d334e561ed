package bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;
import org.apache.kafka.streams.state.WindowStore;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;

/** Dedupe by id, then windows of one minute, or of an hour moved every minute. */
public final class Job {
    private static final LongAdder READ = new LongAdder();
    private static final JsonFactory JSON = new JsonFactory();
    private static final Duration COMMIT = Duration.ofMillis(500);

    private Job() {}

    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.parse(arguments);
        KafkaStreams streams = new KafkaStreams(topology(settings), properties(settings));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return null;
        });
        streams.start();
        while (READ.sum() < settings.events) {
            Thread.sleep(100);
            System.out.println("progress " + READ.sum());
        }
        // what was read last is committed at the latest after one interval
        Thread.sleep(COMMIT.toMillis() + 300);
        System.out.println("done " + READ.sum());
        System.in.read();
        streams.close(Duration.ofSeconds(10));
    }

    private static Topology topology(Settings settings) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(ids(settings));
        Duration size = settings.rolling ? Duration.ofHours(1) : Duration.ofMinutes(1);
        TimeWindows windows =
            TimeWindows.ofSizeAndGrace(size, settings.lateness).advanceBy(Duration.ofMinutes(1));
        builder.stream(settings.source, Consumed.with(Serdes.String(), Serdes.ByteArray()))
            .processValues(() -> new Distinct(settings.lateness), "ids")
            .groupByKey(Grouped.with(Serdes.String(), new EventSerde()))
            .windowedBy(windows)
            .aggregate(
                Cell::new,
                (key, event, cell) -> cell.plus(event),
                Materialized.<String, Cell>as(panes(settings, windows))
                    .withKeySerde(Serdes.String())
                    .withValueSerde(new CellSerde())
                    .withCachingEnabled())
            .toStream()
            .map((window, cell) -> KeyValue.pair(window.key(), cell.json(window.key(), window.window().start())))
            .to(settings.sink, Produced.with(Serdes.String(), Serdes.ByteArray()));
        return builder.build();
    }

    private static StoreBuilder<WindowStore<Bytes, byte[]>> ids(Settings settings) {
        Duration retention = settings.lateness.multipliedBy(2);
        Duration window = Duration.ofMillis(1);
        WindowBytesStoreSupplier supplier = settings.memory
            ? Stores.inMemoryWindowStore("ids", retention, window, false)
            : Stores.persistentWindowStore("ids", retention, window, false);
        return Stores.windowStoreBuilder(supplier, Serdes.Bytes(), Serdes.ByteArray()).withCachingDisabled();
    }

    private static WindowBytesStoreSupplier panes(Settings settings, TimeWindows windows) {
        Duration size = Duration.ofMillis(windows.size());
        Duration retention = size.plus(settings.lateness);
        return settings.memory
            ? Stores.inMemoryWindowStore("panes", retention, size, false)
            : Stores.persistentWindowStore("panes", retention, size, false);
    }

    private static Properties properties(Settings settings) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, settings.name);
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, settings.bootstrap);
        properties.put(StreamsConfig.STATE_DIR_CONFIG, settings.directory);
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, (int) COMMIT.toMillis());
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
        properties.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        properties.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, LargeBuffers.class);
        properties.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        properties.put(StreamsConfig.consumerPrefix("max.poll.records"), 5000);
        properties.put(StreamsConfig.consumerPrefix("max.partition.fetch.bytes"), 4 << 20);
        properties.put(StreamsConfig.producerPrefix("linger.ms"), 100);
        properties.put(StreamsConfig.producerPrefix("batch.size"), 256 << 10);
        properties.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
        return properties;
    }

    private record Settings(
        String bootstrap, String source, String sink, String name, String directory, long events,
        boolean rolling, boolean memory, Duration lateness) {
        static Settings parse(String[] a) {
            return new Settings(
                a[0], a[1], a[2], a[3], a[4], Long.parseLong(a[5]), a[6].equals("rolling"),
                a[7].equals("memory"), Duration.ofMillis(Long.parseLong(a[8])));
        }
    }

    /** Fewer, larger flushes of RocksDB: the default buffers are made for many small stores. */
    public static final class LargeBuffers implements RocksDBConfigSetter {
        private static final LRUCache CACHE = new LRUCache(128L << 20);

        @Override
        public void setConfig(String store, Options options, Map<String, Object> configs) {
            BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
            table.setBlockCache(CACHE);
            options.setTableFormatConfig(table);
            options.setWriteBufferSize(32L << 20);
        }

        @Override
        public void close(String store, Options options) {
            // the cache is shared by all stores of the process
        }
    }

    /** What the job needs of an event. */
    record Event(String id, long value, long good) {
        static Event parse(byte[] json) {
            String id = null;
            long value = 0;
            long good = 0;
            try (JsonParser parser = JSON.createParser(json)) {
                parser.nextToken();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String field = parser.currentName();
                    parser.nextToken();
                    switch (field) {
                        case "id" -> id = parser.getText();
                        case "value" -> value = parser.getLongValue();
                        case "good" -> good = parser.getLongValue();
                        default -> { }
                    }
                }
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            return new Event(id, value, good);
        }
    }

    /** Lets an id pass once; a repetition carries the same time. */
    private static final class Distinct implements FixedKeyProcessor<String, byte[], Event> {
        private static final byte[] SEEN = new byte[0];
        private final Duration lateness;
        private FixedKeyProcessorContext<String, Event> context;
        private WindowStore<Bytes, byte[]> ids;

        Distinct(Duration lateness) {
            this.lateness = lateness;
        }

        @Override
        public void init(FixedKeyProcessorContext<String, Event> given) {
            context = given;
            ids = given.getStateStore("ids");
        }

        @Override
        public void process(FixedKeyRecord<String, byte[]> record) {
            READ.increment();
            Event event = Event.parse(record.value());
            Bytes id = Bytes.wrap(event.id().getBytes(StandardCharsets.UTF_8));
            long time = record.timestamp();
            if (time < context.currentStreamTimeMs() - lateness.toMillis() || ids.fetch(id, time) != null) {
                return;
            }
            ids.put(id, SEEN, time);
            context.forward(record.withValue(event));
        }
    }

    /** Count, sum, least, greatest, good. */
    static final class Cell {
        private long n;
        private long total;
        private long low = Long.MAX_VALUE;
        private long high = Long.MIN_VALUE;
        private long good;

        Cell plus(Event event) {
            n += 1;
            total += event.value();
            low = Math.min(low, event.value());
            high = Math.max(high, event.value());
            good += event.good();
            return this;
        }

        byte[] json(String key, long start) {
            return ("{\"k\":\"" + key + "\",\"m\":" + start + ",\"n\":" + n + ",\"total\":" + total
                + ",\"low\":" + low + ",\"high\":" + high + ",\"good\":" + good + "}")
                .getBytes(StandardCharsets.UTF_8);
        }
    }

    private static final class CellSerde extends Serdes.WrapperSerde<Cell> {
        CellSerde() {
            super((topic, cell) -> cell == null ? null : bytes(cell), (topic, data) -> data == null ? null : cell(data));
        }

        private static byte[] bytes(Cell cell) {
            return ByteBuffer.allocate(40).putLong(cell.n).putLong(cell.total).putLong(cell.low)
                .putLong(cell.high).putLong(cell.good).array();
        }

        private static Cell cell(byte[] data) {
            ByteBuffer buffer = ByteBuffer.wrap(data);
            Cell cell = new Cell();
            cell.n = buffer.getLong();
            cell.total = buffer.getLong();
            cell.low = buffer.getLong();
            cell.high = buffer.getLong();
            cell.good = buffer.getLong();
            return cell;
        }
    }

    /** Never written: the grouping follows the key, so nothing is moved between partitions. */
    private static final class EventSerde extends Serdes.WrapperSerde<Event> {
        EventSerde() {
            super(
                (topic, event) -> { throw new IllegalStateException("an event was repartitioned"); },
                (topic, data) -> { throw new IllegalStateException("an event was repartitioned"); });
        }
    }
}
