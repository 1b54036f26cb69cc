import static com.google.inject.multibindings.MapBinder.newMapBinder;
import static java.util.stream.Collectors.joining;

import com.google.inject.Module;
import io.trino.Session;
import io.trino.filesystem.TrinoFileSystemFactory;
import io.trino.filesystem.local.LocalFileSystemFactory;
import io.trino.plugin.deltalake.DeltaLakeConnectorFactory;
import io.trino.plugin.memory.MemoryPlugin;
import io.trino.spi.Plugin;
import io.trino.spi.connector.Connector;
import io.trino.spi.connector.ConnectorContext;
import io.trino.spi.connector.ConnectorFactory;
import io.trino.testing.DistributedQueryRunner;
import io.trino.testing.MaterializedResult;
import io.trino.testing.MaterializedRow;
import io.trino.testing.TestingSession;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Runs the statements of a file on Trino's engine, blocks that begin with a line "-- run NAME", and
 * writes a line for each into another file (standard output becomes Trino's own log). With a third
 * argument, a folder, the tables are those of its Delta lake instead of declared ones in memory.
 */
public final class Check {
    public static void main(String[] arguments) throws Exception {
        boolean lake = arguments.length > 2;
        Session session = TestingSession.testSessionBuilder()
                .setCatalog(lake ? "lake" : "memory").setSchema("default").build();
        StringBuilder lines = new StringBuilder();
        int failed = 0;
        try (DistributedQueryRunner trino = DistributedQueryRunner.builder(session).setWorkerCount(0).build()) {
            if (lake) {
                trino.installPlugin(new LocalDelta(Path.of(arguments[2])));
                trino.createCatalog("lake", "delta_lake", Map.of(
                        "hive.metastore", "file",
                        "hive.metastore.catalog.dir", "local:///metastore",
                        "fs.hadoop.enabled", "false",
                        "delta.register-table-procedure.enabled", "true"));
            } else {
                trino.installPlugin(new MemoryPlugin());
                trino.createCatalog("memory", "memory", Map.of());
            }
            for (String block : Files.readString(Path.of(arguments[0])).split("(?m)^-- run ")) {
                if (block.isBlank()) {
                    continue;
                }
                String name = block.substring(0, block.indexOf('\n')).strip();
                String sql = block.substring(block.indexOf('\n') + 1).strip();
                try {
                    lines.append("ok   ").append(name).append(told(name, trino.execute(sql))).append('\n');
                } catch (RuntimeException error) {
                    failed++;
                    lines.append("FAIL ").append(name).append(": ").append(error.getMessage()).append('\n');
                }
            }
        }
        Files.writeString(Path.of(arguments[1]), lines);
        System.exit(failed == 0 ? 0 : 1);
    }

    private static String told(String name, MaterializedResult result) {
        StringBuilder told = new StringBuilder();
        if (name.startsWith("describe ")) {
            for (MaterializedRow row : result.getMaterializedRows()) {
                told.append(' ').append(row.getField(0)).append(':').append(row.getField(1)).append(';');
            }
        } else if (name.startsWith("count ")) {
            told.append(' ').append(result.getOnlyValue());
        } else if (name.startsWith("answer ")) {
            told.append(' ').append(String.join("|", result.getColumnNames()));
            for (MaterializedRow row : result.getMaterializedRows()) {
                told.append('\t').append(row.getFields().stream().map(String::valueOf).collect(joining("|")));
            }
        } else if (!name.startsWith("table ") && !name.startsWith("view ")) {
            told.append(' ').append(result.getTypes());
        }
        return told.toString();
    }

    /** The Delta connector with the files of one folder, which it has for no scheme of its own. */
    private record LocalDelta(Path folder) implements Plugin, ConnectorFactory {
        @Override
        public Iterable<ConnectorFactory> getConnectorFactories() {
            return List.of(this);
        }

        @Override
        public String getName() {
            return DeltaLakeConnectorFactory.CONNECTOR_NAME;
        }

        @Override
        public Connector create(String catalog, Map<String, String> settings, ConnectorContext context) {
            Module local = binder -> newMapBinder(binder, String.class, TrinoFileSystemFactory.class)
                    .addBinding("local").toInstance(new LocalFileSystemFactory(folder));
            return DeltaLakeConnectorFactory.createConnector(catalog, settings, context, Optional.empty(), local);
        }
    }
}
