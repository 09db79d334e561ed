package bench;

import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.functions.ScalarFunction;

/** Dedupe by id, then windows of one minute, or of an hour moved every minute, in SQL. */
public final class Job {
    private static final LongAdder READ = new LongAdder();

    private Job() {}

    public static void main(String[] arguments) throws Exception {
        String bootstrap = arguments[0];
        String source = arguments[1];
        String sink = arguments[2];
        String name = arguments[3];
        String directory = arguments[4];
        long events = Long.parseLong(arguments[5]);
        boolean rolling = arguments[6].equals("rolling");
        StreamExecutionEnvironment environment =
            StreamExecutionEnvironment.createLocalEnvironment(configuration(directory));
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
        tables.getConfig().setIdleStateRetention(Duration.ofMinutes(30));
        tables.createTemporarySystemFunction("TICK", Tick.class);
        tables.executeSql(sourceTable(bootstrap, source));
        tables.executeSql(sinkTable(bootstrap, sink, name));
        Thread ticker = new Thread(Job::tell, "progress");
        ticker.setDaemon(true);
        ticker.start();
        tables.executeSql(query(rolling)).await();
        if (READ.sum() != events) {
            throw new IllegalStateException("read " + READ.sum() + " of " + events);
        }
        System.out.println("done " + READ.sum());
        System.in.read();
        Runtime.getRuntime().halt(0);
    }

    private static Configuration configuration(String directory) {
        Configuration configuration = new Configuration();
        configuration.set(CoreOptions.DEFAULT_PARALLELISM, 1);
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        configuration.set(StateBackendOptions.STATE_BACKEND, "hashmap");
        configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(500));
        configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + directory);
        configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(64));
        configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(64));
        configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(64));
        return configuration;
    }

    private static String sourceTable(String bootstrap, String topic) {
        return "CREATE TABLE events (id STRING, ts BIGINT, employee STRING, channel STRING,"
            + " `indicator` STRING, `value` BIGINT, good BIGINT, t AS TO_TIMESTAMP_LTZ(ts, 3),"
            + " p AS PROCTIME(), WATERMARK FOR t AS t - INTERVAL '30' SECOND) WITH ("
            + "'connector' = 'kafka', 'topic' = '" + topic + "',"
            + "'properties.bootstrap.servers' = '" + bootstrap + "',"
            + "'properties.max.partition.fetch.bytes' = '4194304', 'properties.max.poll.records' = '5000',"
            + "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',"
            + "'format' = 'json')";
    }

    private static String sinkTable(String bootstrap, String topic, String name) {
        return "CREATE TABLE panes (k STRING, m BIGINT, n BIGINT, total BIGINT, low BIGINT, high BIGINT,"
            + " good BIGINT) WITH ('connector' = 'kafka', 'topic' = '" + topic + "',"
            + "'properties.bootstrap.servers' = '" + bootstrap + "',"
            + "'properties.transaction.timeout.ms' = '600000', 'properties.compression.type' = 'lz4',"
            + "'properties.linger.ms' = '100', 'properties.batch.size' = '262144',"
            + "'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '" + name + "',"
            + "'format' = 'json')";
    }

    private static String query(boolean rolling) {
        String window = rolling
            ? "HOP(TABLE uniques, DESCRIPTOR(t), INTERVAL '1' MINUTE, INTERVAL '60' MINUTE)"
            : "TUMBLE(TABLE uniques, DESCRIPTOR(t), INTERVAL '1' MINUTE)";
        return "INSERT INTO panes WITH uniques AS ("
            + "SELECT employee, channel, `indicator`, `value`, good, t FROM (SELECT *, ROW_NUMBER() OVER"
            + " (PARTITION BY id ORDER BY p) AS place FROM (SELECT TICK(id) AS id, employee, channel,"
            + " `indicator`, `value`, good, t, p FROM events)) WHERE place = 1)"
            + " SELECT employee || '|' || channel || '|' || `indicator`,"
            + " 1000 * UNIX_TIMESTAMP(CAST(window_start AS STRING)),"
            + " COUNT(*), SUM(`value`), MIN(`value`), MAX(`value`), SUM(good) FROM TABLE(" + window + ")"
            + " GROUP BY employee, channel, `indicator`, window_start, window_end";
    }

    private static void tell() {
        while (true) {
            System.out.println("progress " + READ.sum());
            try {
                Thread.sleep(100);
            } catch (InterruptedException ended) {
                return;
            }
        }
    }

    /** Counts what was read; the planner may not move or drop it. */
    public static final class Tick extends ScalarFunction {
        public String eval(String id) {
            READ.increment();
            return id;
        }

        @Override
        public boolean isDeterministic() {
            return false;
        }
    }
}
