package io.nianbao.client;

import io.nianbao.v1.SubmitReportsResponse;

/**
 * The answer to one item of a stream.
 *
 * @param submission the item as it was sent, its request id included
 * @param answer the answer: findings, and a receipt or a refusal
 */
public record SubmitResult(Submission submission, SubmitReportsResponse answer) {
  /** Whether the item was taken. */
  public boolean isTaken() {
    return !answer.hasRefusal();
  }
}
