/** The calls of a connection of Muster's own, which may be closed while they are under way. */

import {
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Parameters<Interceptor>[1]>;

const GRPC_CANCELLED = 1;
const WORDS = 'the connection was closed';

/**
 * Calls are made again as the SDK does it, until they are ended. The SDK itself would make one that was dropped with its
 * connection again, on what is no more, from a timer, which ends the process; and gRPC lets a closed connection finish its
 * calls, of which one that waits for a run's end may take twenty seconds.
 */
export class OwnCalls {
  readonly #open = new Set<Call>();
  #haveEnded = false;

  readonly interceptor: Interceptor = (options, next) =>
    this.#retried(options, (of) => (this.#haveEnded ? endedCall() : this.#opened(next(of))));

  get haveEnded(): boolean {
    return this.#haveEnded;
  }

  /** Ends those that are under way; no other begins. */
  end(): void {
    this.#haveEnded = true;
    for (const call of this.#open) call.cancelWithStatus(GRPC_CANCELLED, WORDS);
  }

  readonly #retried = makeGrpcRetryInterceptor(this.#retries());

  #retries() {
    const { retryableDecider, ...options } = defaultGrpcRetryOptions();
    const decider: typeof retryableDecider = (...of) => !this.#haveEnded && retryableDecider(...of);
    return { ...options, retryableDecider: decider };
  }

  #opened(call: Call): Call {
    const start = call.start.bind(call);
    call.start = (metadata, listener) => {
      this.#open.add(call);
      start(metadata, {
        onReceiveMetadata: (received) => listener?.onReceiveMetadata?.(received),
        onReceiveMessage: (message) => listener?.onReceiveMessage?.(message),
        onReceiveStatus: (status) => {
          this.#open.delete(call);
          listener?.onReceiveStatus?.(status);
        },
      });
    };
    return call;
  }
}

/** The next attempt of a call, when its connection was closed meanwhile. */
function endedCall(): Call {
  const nothing = () => {};
  return {
    start(metadata, listener) {
      listener?.onReceiveMessage?.(null);
      listener?.onReceiveStatus?.({ code: GRPC_CANCELLED, details: WORDS, metadata });
    },
    sendMessage: nothing,
    sendMessageWithContext: nothing,
    halfClose: nothing,
    startRead: nothing,
    cancelWithStatus: nothing,
    getPeer: () => '',
    getAuthContext: () => null,
  };
}
