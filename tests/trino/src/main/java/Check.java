import io.trino.Session;
import io.trino.plugin.memory.MemoryPlugin;
import io.trino.testing.DistributedQueryRunner;
import io.trino.testing.MaterializedResult;
import io.trino.testing.MaterializedRow;
import io.trino.testing.TestingSession;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Runs the statements of a file on Trino's engine, blocks that begin with a line "-- run NAME", and
 * writes a line for each into another file (standard output becomes Trino's own log).
 */
public final class Check {
    public static void main(String[] arguments) throws Exception {
        Session session = TestingSession.testSessionBuilder()
                .setCatalog("memory").setSchema("default").build();
        StringBuilder lines = new StringBuilder();
        int failed = 0;
        try (DistributedQueryRunner trino = DistributedQueryRunner.builder(session).setWorkerCount(0).build()) {
            trino.installPlugin(new MemoryPlugin());
            trino.createCatalog("memory", "memory", Map.of());
            for (String block : Files.readString(Path.of(arguments[0])).split("(?m)^-- run ")) {
                if (block.isBlank()) {
                    continue;
                }
                String name = block.substring(0, block.indexOf('\n')).strip();
                String sql = block.substring(block.indexOf('\n') + 1).strip();
                try {
                    MaterializedResult result = trino.execute(sql);
                    StringBuilder told = new StringBuilder();
                    if (name.startsWith("describe ")) {
                        for (MaterializedRow row : result.getMaterializedRows()) {
                            told.append(' ').append(row.getField(0)).append(':').append(row.getField(1)).append(';');
                        }
                    } else if (!name.startsWith("table ") && !name.startsWith("view ")) {
                        told.append(' ').append(result.getTypes());
                    }
                    lines.append("ok   ").append(name).append(told).append('\n');
                } catch (RuntimeException error) {
                    failed++;
                    lines.append("FAIL ").append(name).append(": ").append(error.getMessage()).append('\n');
                }
            }
        }
        Files.writeString(Path.of(arguments[1]), lines);
        System.exit(failed == 0 ? 0 : 1);
    }
}
