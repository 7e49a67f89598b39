/** All that preflight finds wrong, told at once. */

import { ApplicationFailure } from '@temporalio/common';
import { type AwsFailure, PREFLIGHT_FAILED } from '../fleet/failures.ts';
import { AwsError, isPassing } from './aws-errors.ts';

/** Collects what is wrong. A look that AWS refuses for good is itself something wrong. */
export class Findings {
  private readonly found: string[] = [];
  private first: AwsError | undefined;

  /** By their letters: the looks go side by side, and who looks again is to read the same. */
  get problems(): string[] {
    return [...this.found].sort();
  }

  add(problem: string): void {
    this.found.push(problem);
  }

  async of<T>(look: Promise<T>): Promise<T | undefined> {
    try {
      return await look;
    } catch (error) {
      if (!(error instanceof AwsError) || isPassing(error)) throw error;
      this.first ??= error;
      this.add(inWords(error));
      return undefined;
    }
  }

  failure(): ApplicationFailure {
    const detail: AwsFailure = {
      call: this.first?.call ?? 'preflight',
      code: PREFLIGHT_FAILED,
      message: this.problems.length === 1 ? this.problems[0]! : `${this.problems.length} things are wrong`,
      requestId: this.first?.requestId,
      untouched: true,
      problems: this.problems,
    };
    return ApplicationFailure.create({
      type: PREFLIGHT_FAILED,
      message: this.problems.join('\n'),
      nonRetryable: true,
      details: [detail],
    });
  }
}

function inWords(error: AwsError): string {
  if (error.code === 'CredentialsProviderError') {
    return `The worker has no AWS credentials (${error.message}): start it with AWS_PROFILE, a role, or keys.`;
  }
  return `${error.call}: ${error.code}: ${error.message}`;
}
