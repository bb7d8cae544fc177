package io.nianbao.client;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** A long list, asked for page by page as it is read. */
public final class Pages<T> implements Iterable<T> {
  private final Function<String, Page<T>> fetch;

  private Pages(Function<String, Page<T>> fetch) {
    this.fetch = fetch;
  }

  /**
   * One page.
   *
   * @param items what is on it
   * @param nextToken the token of the next page; empty on the last
   */
  public record Page<T>(List<T> items, String nextToken) {}

  /** The list whose page of a token is fetched by that function; the first has an empty token. */
  public static <T> Pages<T> of(Function<String, Page<T>> fetch) {
    return new Pages<>(fetch);
  }

  @Override
  public Iterator<T> iterator() {
    return new Items();
  }

  /** The list as a stream, no less lazy. */
  public Stream<T> stream() {
    return StreamSupport.stream(spliterator(), false);
  }

  private final class Items implements Iterator<T> {
    private final Deque<T> fetched = new ArrayDeque<>();
    private String token = "";
    private boolean ended;

    @Override
    public boolean hasNext() {
      // A page may be empty and not the last.
      while (fetched.isEmpty() && !ended) {
        Page<T> page = fetch.apply(token);
        fetched.addAll(page.items);
        token = page.nextToken;
        ended = token.isEmpty();
      }
      return !fetched.isEmpty();
    }

    @Override
    public T next() {
      if (!hasNext()) {
        throw new NoSuchElementException("the list has ended");
      }
      return fetched.remove();
    }
  }
}
