import com.fasterxml.jackson.databind.*;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

/**
 * A department's client: signs for every order, says how it stands, finishes it, and hears what changes meanwhile.
 * Run it by {@code java -cp 'target/classes:target/lib/*' Client 127.0.0.1:9092 huanwei}; KAFKA_USER, KAFKA_PASSWORD and
 * KAFKA_CA (a PEM file) log in to a city's brokers. It keeps nothing on disk: the id of each update follows from the
 * order, so that one that is written twice is carried out once. Your own system stands where {@code work} is.
 */
public final class Client {
    record Update(String step, String order, int attempt, Map<String, String> more) {}
    static final ObjectMapper JSON = new ObjectMapper();
    static final Set<String> over = new HashSet<>(); // orders that nobody waits for any more

    /** Gives the update to write, or null. What cannot be read is said and left behind: it must not stop the rest. */
    static Update read(String kind, byte[] value) {
        try {
            JsonNode body = JSON.readTree(value == null ? new byte[0] : value);
            Update update = body.isObject() ? answer(kind, body) : say("unreadable " + kind + ": no JSON object");
            return update == null || over.contains(update.order) ? null : update;
        } catch (IOException | IllegalArgumentException error) {
            return say("unreadable " + kind + ": " + error.getMessage());
        }
    }

    /** Gives the next step of an order, or null. */
    static Update answer(String kind, JsonNode body) {
        String order = body.path("order_id").asText(), reason = body.path("reason").asText();
        String update = body.path("update_id").asText(), by = body.path("handle_by").asText();
        int attempt = body.path("attempt").asInt();
        switch (kind) {
            case "gridcall.order.issued.v1", "gridcall.order.snapshot.v1": // a snapshot says how it stands
                say("issued " + order + " by " + by + ": " + body.path("description").asText());
                String state = body.path("state").asText("issued");
                if (!state.equals("issued")) return state.equals("signed") ? work("sign", order, attempt) : null;
                return new Update("sign", order, attempt, Map.of("by", "shift leader"));
            case "gridcall.order.reworked.v1":
                say("reworked " + order + " by " + by + ": " + reason);
                return new Update("progress", order, attempt, Map.of("note", "We go there again."));
            case "gridcall.order.withdrawn.v1", "gridcall.order.closed.v1":
                over.add(order);
                return say("over " + order + ": " + reason + body.path("outcome").asText());
            case "gridcall.order.changed.v1":
                var changes = new StringJoiner(", ");
                body.path("changes").fields().forEachRemaining(
                    each -> changes.add(each.getKey() + " is now " + each.getValue().path("new")));
                return say("changed " + order + ": " + changes + " (" + reason + ")");
            case "gridcall.order.reminded.v1", "gridcall.order.escalated.v1":
                return say("watch " + order + ": " + body.path("due_at").asText() + body.path("to_level").asText());
            case "gridcall.update.refused.v1":
                return say("refused " + order + " " + update + ": " + reason + ": " + body.path("detail").asText());
            case "gridcall.update.accepted.v1":
                String[] parts = update.split("/");
                if (parts.length != 3 || !parts[0].equals(order)) break; // an update of somebody else
                say("accepted " + order + " " + parts[1]);
                return work(parts[1], order, Integer.parseInt(parts[2]));
        }
        return say("ignored " + kind + " " + order); // new types may come at any time
    }

    /** Gives what comes after a step that was accepted: here the work is done at once. */
    static Update work(String done, String order, int attempt) {
        if (done.equals("sign")) return new Update("progress", order, attempt, Map.of("note", "We are on our way."));
        return done.equals("progress") ? new Update("done", order, attempt, Map.of("result", "fixed")) : null;
    }
    static Update say(String text) { System.out.println(text); return null; }
    static String header(ConsumerRecord<?, ?> record, String name) {
        var found = record.headers().lastHeader(name);
        return found == null || found.value() == null ? "" : new String(found.value(), StandardCharsets.UTF_8);
    }
    static Map<String, Object> connection(String bootstrap, Map<String, Object> more) {
        var given = new HashMap<>(more);
        given.put("bootstrap.servers", bootstrap);
        String user = System.getenv("KAFKA_USER"), authority = System.getenv("KAFKA_CA");
        if (user == null) return given;
        given.putAll(Map.of("security.protocol", "SASL_SSL", "sasl.mechanism", "SCRAM-SHA-512", "sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";"
                .formatted(user, System.getenv("KAFKA_PASSWORD"))));
        if (authority != null) given.putAll(Map.of("ssl.truststore.type", "PEM", "ssl.truststore.location", authority));
        return given;
    }

    public static void main(String[] arguments) throws Exception {
        String department = arguments[1], topic = "gridcall.dispatch." + department;
        var writing = connection(arguments[0], Map.of("acks", "all"));
        var reading = connection(arguments[0], Map.of("group.id", "department-" + department,
            "auto.offset.reset", "earliest", "enable.auto.commit", "false", "session.timeout.ms", "10000"));
        Set<String> seen = new LinkedHashSet<>(); // the last ten thousand ids
        try (var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new ByteArrayDeserializer());
             var producer = new KafkaProducer<>(writing, new StringSerializer(), new ByteArraySerializer())) {
            consumer.subscribe(List.of(topic));
            say(department + " listens");
            while (true) {
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    String id = header(record, "ce_id"), kind = header(record, "ce_type");
                    Update next = seen.contains(id) ? say("again " + id) : read(kind, record.value());
                    if (next != null) producer.send(written(next, department)).get();
                    if (seen.add(id) && seen.size() > 10_000) seen.remove(seen.iterator().next());
                }
                consumer.commitSync(); // the brokers have taken every update
            }
        }
    }

    static ProducerRecord<String, byte[]> written(Update next, String department) throws IOException {
        var body = new HashMap<>(next.more);
        body.put("order_id", next.order);
        var update = new ProducerRecord<>("gridcall.updates." + department, next.order, JSON.writeValueAsBytes(body));
        Map.of("ce_type", "gridcall.order." + next.step + ".v1", "ce_source", department + "/example",
            "ce_id", next.order + "/" + next.step + "/" + next.attempt)
            .forEach((name, text) -> update.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
        return update;
    }
}
