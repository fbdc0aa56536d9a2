import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace sidero. */
export namespace sidero {

    /** Namespace link. */
    namespace link {

        /**
         * Properties of a ProvisionRequest.
         * @deprecated Use sidero.link.ProvisionRequest.$Properties instead.
         */
        interface IProvisionRequest extends sidero.link.ProvisionRequest.$Properties {
        }

        /** Represents a ProvisionRequest. */
        class ProvisionRequest {

            /**
             * Constructs a new ProvisionRequest.
             * @param [properties] Properties to set
             */
            constructor(properties?: sidero.link.ProvisionRequest.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ProvisionRequest node_uuid. */
            node_uuid: string;

            /** ProvisionRequest node_public_key. */
            node_public_key: string;

            /** ProvisionRequest join_token. */
            join_token?: (string|null);

            /** ProvisionRequest node_unique_token. */
            node_unique_token?: (string|null);

            /** ProvisionRequest talos_version. */
            talos_version?: (string|null);

            /** ProvisionRequest wireguard_over_grpc. */
            wireguard_over_grpc?: (boolean|null);

            /**
             * Encodes the specified ProvisionRequest message. Does not implicitly {@link sidero.link.ProvisionRequest.verify|verify} messages.
             * @param message ProvisionRequest message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: sidero.link.ProvisionRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ProvisionRequest message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {sidero.link.ProvisionRequest & sidero.link.ProvisionRequest.$Shape} ProvisionRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): sidero.link.ProvisionRequest & sidero.link.ProvisionRequest.$Shape;

            /**
             * Creates a ProvisionRequest message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns ProvisionRequest
             */
            static fromObject(object: { [k: string]: any }): sidero.link.ProvisionRequest;

            /**
             * Creates a plain object from a ProvisionRequest message. Also converts values to other types if specified.
             * @param message ProvisionRequest
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: sidero.link.ProvisionRequest, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this ProvisionRequest to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };

            /**
             * Gets the type url for ProvisionRequest
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace ProvisionRequest {

            /** Properties of a ProvisionRequest. */
            interface $Properties {

                /** ProvisionRequest node_uuid */
                node_uuid?: (string|null);

                /** ProvisionRequest node_public_key */
                node_public_key?: (string|null);

                /** ProvisionRequest join_token */
                join_token?: (string|null);

                /** ProvisionRequest node_unique_token */
                node_unique_token?: (string|null);

                /** ProvisionRequest talos_version */
                talos_version?: (string|null);

                /** ProvisionRequest wireguard_over_grpc */
                wireguard_over_grpc?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ProvisionRequest. */
            type $Shape = sidero.link.ProvisionRequest.$Properties;
        }

        /**
         * Properties of a ProvisionResponse.
         * @deprecated Use sidero.link.ProvisionResponse.$Properties instead.
         */
        interface IProvisionResponse extends sidero.link.ProvisionResponse.$Properties {
        }

        /** Represents a ProvisionResponse. */
        class ProvisionResponse {

            /**
             * Constructs a new ProvisionResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: sidero.link.ProvisionResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ProvisionResponse server_endpoint. */
            server_endpoint: string[];

            /** ProvisionResponse server_public_key. */
            server_public_key: string;

            /** ProvisionResponse node_address_prefix. */
            node_address_prefix: string;

            /** ProvisionResponse server_address. */
            server_address: string;

            /** ProvisionResponse grpc_peer_addr_port. */
            grpc_peer_addr_port: string;

            /**
             * Encodes the specified ProvisionResponse message. Does not implicitly {@link sidero.link.ProvisionResponse.verify|verify} messages.
             * @param message ProvisionResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: sidero.link.ProvisionResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ProvisionResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {sidero.link.ProvisionResponse & sidero.link.ProvisionResponse.$Shape} ProvisionResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): sidero.link.ProvisionResponse & sidero.link.ProvisionResponse.$Shape;

            /**
             * Creates a ProvisionResponse message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns ProvisionResponse
             */
            static fromObject(object: { [k: string]: any }): sidero.link.ProvisionResponse;

            /**
             * Creates a plain object from a ProvisionResponse message. Also converts values to other types if specified.
             * @param message ProvisionResponse
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: sidero.link.ProvisionResponse, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this ProvisionResponse to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };

            /**
             * Gets the type url for ProvisionResponse
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace ProvisionResponse {

            /** Properties of a ProvisionResponse. */
            interface $Properties {

                /** ProvisionResponse server_endpoint */
                server_endpoint?: (string[]|null);

                /** ProvisionResponse server_public_key */
                server_public_key?: (string|null);

                /** ProvisionResponse node_address_prefix */
                node_address_prefix?: (string|null);

                /** ProvisionResponse server_address */
                server_address?: (string|null);

                /** ProvisionResponse grpc_peer_addr_port */
                grpc_peer_addr_port?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ProvisionResponse. */
            type $Shape = sidero.link.ProvisionResponse.$Properties;
        }

        /**
         * Properties of a PeerPacket.
         * @deprecated Use sidero.link.PeerPacket.$Properties instead.
         */
        interface IPeerPacket extends sidero.link.PeerPacket.$Properties {
        }

        /** Represents a PeerPacket. */
        class PeerPacket {

            /**
             * Constructs a new PeerPacket.
             * @param [properties] Properties to set
             */
            constructor(properties?: sidero.link.PeerPacket.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PeerPacket Data. */
            Data: Uint8Array;

            /**
             * Encodes the specified PeerPacket message. Does not implicitly {@link sidero.link.PeerPacket.verify|verify} messages.
             * @param message PeerPacket message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: sidero.link.PeerPacket.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PeerPacket message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {sidero.link.PeerPacket & sidero.link.PeerPacket.$Shape} PeerPacket
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): sidero.link.PeerPacket & sidero.link.PeerPacket.$Shape;

            /**
             * Creates a PeerPacket message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns PeerPacket
             */
            static fromObject(object: { [k: string]: any }): sidero.link.PeerPacket;

            /**
             * Creates a plain object from a PeerPacket message. Also converts values to other types if specified.
             * @param message PeerPacket
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: sidero.link.PeerPacket, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this PeerPacket to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };

            /**
             * Gets the type url for PeerPacket
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace PeerPacket {

            /** Properties of a PeerPacket. */
            interface $Properties {

                /** PeerPacket Data */
                Data?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PeerPacket. */
            type $Shape = sidero.link.PeerPacket.$Properties;
        }
    }
}

/** Namespace events. */
export namespace events {

    /**
     * Properties of an EventRequest.
     * @deprecated Use events.EventRequest.$Properties instead.
     */
    interface IEventRequest extends events.EventRequest.$Properties {
    }

    /** Represents an EventRequest. */
    class EventRequest {

        /**
         * Constructs a new EventRequest.
         * @param [properties] Properties to set
         */
        constructor(properties?: events.EventRequest.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** EventRequest data. */
        data?: (google.protobuf.Any.$Properties|null);

        /** EventRequest id. */
        id: string;

        /** EventRequest actor_id. */
        actor_id: string;

        /**
         * Encodes the specified EventRequest message. Does not implicitly {@link events.EventRequest.verify|verify} messages.
         * @param message EventRequest message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: events.EventRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes an EventRequest message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {events.EventRequest & events.EventRequest.$Shape} EventRequest
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): events.EventRequest & events.EventRequest.$Shape;

        /**
         * Creates an EventRequest message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns EventRequest
         */
        static fromObject(object: { [k: string]: any }): events.EventRequest;

        /**
         * Creates a plain object from an EventRequest message. Also converts values to other types if specified.
         * @param message EventRequest
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: events.EventRequest, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this EventRequest to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for EventRequest
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace EventRequest {

        /** Properties of an EventRequest. */
        interface $Properties {

            /** EventRequest data */
            data?: (google.protobuf.Any.$Properties|null);

            /** EventRequest id */
            id?: (string|null);

            /** EventRequest actor_id */
            actor_id?: (string|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of an EventRequest. */
        type $Shape = events.EventRequest.$Properties;
    }

    /**
     * Properties of an EventResponse.
     * @deprecated Use events.EventResponse.$Properties instead.
     */
    interface IEventResponse extends events.EventResponse.$Properties {
    }

    /** Represents an EventResponse. */
    class EventResponse {

        /**
         * Constructs a new EventResponse.
         * @param [properties] Properties to set
         */
        constructor(properties?: events.EventResponse.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /**
         * Encodes the specified EventResponse message. Does not implicitly {@link events.EventResponse.verify|verify} messages.
         * @param message EventResponse message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: events.EventResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes an EventResponse message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {events.EventResponse & events.EventResponse.$Shape} EventResponse
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): events.EventResponse & events.EventResponse.$Shape;

        /**
         * Creates an EventResponse message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns EventResponse
         */
        static fromObject(object: { [k: string]: any }): events.EventResponse;

        /**
         * Creates a plain object from an EventResponse message. Also converts values to other types if specified.
         * @param message EventResponse
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: events.EventResponse, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this EventResponse to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for EventResponse
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace EventResponse {

        /** Properties of an EventResponse. */
        interface $Properties {

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of an EventResponse. */
        type $Shape = events.EventResponse.$Properties;
    }
}

/** Namespace machine. */
export namespace machine {

    /**
     * Properties of a SequenceEvent.
     * @deprecated Use machine.SequenceEvent.$Properties instead.
     */
    interface ISequenceEvent extends machine.SequenceEvent.$Properties {
    }

    /** Represents a SequenceEvent. */
    class SequenceEvent {

        /**
         * Constructs a new SequenceEvent.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.SequenceEvent.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** SequenceEvent sequence. */
        sequence: string;

        /** SequenceEvent action. */
        action: machine.SequenceEvent.Action;

        /** SequenceEvent error. */
        error?: (common.Error.$Properties|null);

        /**
         * Encodes the specified SequenceEvent message. Does not implicitly {@link machine.SequenceEvent.verify|verify} messages.
         * @param message SequenceEvent message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.SequenceEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a SequenceEvent message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.SequenceEvent & machine.SequenceEvent.$Shape} SequenceEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.SequenceEvent & machine.SequenceEvent.$Shape;

        /**
         * Creates a SequenceEvent message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns SequenceEvent
         */
        static fromObject(object: { [k: string]: any }): machine.SequenceEvent;

        /**
         * Creates a plain object from a SequenceEvent message. Also converts values to other types if specified.
         * @param message SequenceEvent
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.SequenceEvent, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this SequenceEvent to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for SequenceEvent
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace SequenceEvent {

        /** Properties of a SequenceEvent. */
        interface $Properties {

            /** SequenceEvent sequence */
            sequence?: (string|null);

            /** SequenceEvent action */
            action?: (machine.SequenceEvent.Action|null);

            /** SequenceEvent error */
            error?: (common.Error.$Properties|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a SequenceEvent. */
        type $Shape = machine.SequenceEvent.$Properties;

        /** Action enum. */
        enum Action {

            /** NOOP value */
            NOOP = 0,

            /** START value */
            START = 1,

            /** STOP value */
            STOP = 2
        }
    }

    /**
     * Properties of a PhaseEvent.
     * @deprecated Use machine.PhaseEvent.$Properties instead.
     */
    interface IPhaseEvent extends machine.PhaseEvent.$Properties {
    }

    /** Represents a PhaseEvent. */
    class PhaseEvent {

        /**
         * Constructs a new PhaseEvent.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.PhaseEvent.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** PhaseEvent phase. */
        phase: string;

        /** PhaseEvent action. */
        action: machine.PhaseEvent.Action;

        /**
         * Encodes the specified PhaseEvent message. Does not implicitly {@link machine.PhaseEvent.verify|verify} messages.
         * @param message PhaseEvent message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.PhaseEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a PhaseEvent message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.PhaseEvent & machine.PhaseEvent.$Shape} PhaseEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.PhaseEvent & machine.PhaseEvent.$Shape;

        /**
         * Creates a PhaseEvent message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns PhaseEvent
         */
        static fromObject(object: { [k: string]: any }): machine.PhaseEvent;

        /**
         * Creates a plain object from a PhaseEvent message. Also converts values to other types if specified.
         * @param message PhaseEvent
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.PhaseEvent, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this PhaseEvent to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for PhaseEvent
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace PhaseEvent {

        /** Properties of a PhaseEvent. */
        interface $Properties {

            /** PhaseEvent phase */
            phase?: (string|null);

            /** PhaseEvent action */
            action?: (machine.PhaseEvent.Action|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a PhaseEvent. */
        type $Shape = machine.PhaseEvent.$Properties;

        /** Action enum. */
        enum Action {

            /** START value */
            START = 0,

            /** STOP value */
            STOP = 1
        }
    }

    /**
     * Properties of a TaskEvent.
     * @deprecated Use machine.TaskEvent.$Properties instead.
     */
    interface ITaskEvent extends machine.TaskEvent.$Properties {
    }

    /** Represents a TaskEvent. */
    class TaskEvent {

        /**
         * Constructs a new TaskEvent.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.TaskEvent.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** TaskEvent task. */
        task: string;

        /** TaskEvent action. */
        action: machine.TaskEvent.Action;

        /**
         * Encodes the specified TaskEvent message. Does not implicitly {@link machine.TaskEvent.verify|verify} messages.
         * @param message TaskEvent message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.TaskEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a TaskEvent message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.TaskEvent & machine.TaskEvent.$Shape} TaskEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.TaskEvent & machine.TaskEvent.$Shape;

        /**
         * Creates a TaskEvent message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns TaskEvent
         */
        static fromObject(object: { [k: string]: any }): machine.TaskEvent;

        /**
         * Creates a plain object from a TaskEvent message. Also converts values to other types if specified.
         * @param message TaskEvent
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.TaskEvent, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this TaskEvent to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for TaskEvent
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace TaskEvent {

        /** Properties of a TaskEvent. */
        interface $Properties {

            /** TaskEvent task */
            task?: (string|null);

            /** TaskEvent action */
            action?: (machine.TaskEvent.Action|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a TaskEvent. */
        type $Shape = machine.TaskEvent.$Properties;

        /** Action enum. */
        enum Action {

            /** START value */
            START = 0,

            /** STOP value */
            STOP = 1
        }
    }

    /**
     * Properties of a ServiceHealth.
     * @deprecated Use machine.ServiceHealth.$Properties instead.
     */
    interface IServiceHealth extends machine.ServiceHealth.$Properties {
    }

    /** Represents a ServiceHealth. */
    class ServiceHealth {

        /**
         * Constructs a new ServiceHealth.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.ServiceHealth.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** ServiceHealth unknown. */
        unknown: boolean;

        /** ServiceHealth healthy. */
        healthy: boolean;

        /** ServiceHealth last_message. */
        last_message: string;

        /** ServiceHealth last_change. */
        last_change?: (google.protobuf.Timestamp.$Properties|null);

        /**
         * Encodes the specified ServiceHealth message. Does not implicitly {@link machine.ServiceHealth.verify|verify} messages.
         * @param message ServiceHealth message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.ServiceHealth.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a ServiceHealth message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.ServiceHealth & machine.ServiceHealth.$Shape} ServiceHealth
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.ServiceHealth & machine.ServiceHealth.$Shape;

        /**
         * Creates a ServiceHealth message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns ServiceHealth
         */
        static fromObject(object: { [k: string]: any }): machine.ServiceHealth;

        /**
         * Creates a plain object from a ServiceHealth message. Also converts values to other types if specified.
         * @param message ServiceHealth
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.ServiceHealth, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this ServiceHealth to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for ServiceHealth
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace ServiceHealth {

        /** Properties of a ServiceHealth. */
        interface $Properties {

            /** ServiceHealth unknown */
            unknown?: (boolean|null);

            /** ServiceHealth healthy */
            healthy?: (boolean|null);

            /** ServiceHealth last_message */
            last_message?: (string|null);

            /** ServiceHealth last_change */
            last_change?: (google.protobuf.Timestamp.$Properties|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a ServiceHealth. */
        type $Shape = machine.ServiceHealth.$Properties;
    }

    /**
     * Properties of a ServiceStateEvent.
     * @deprecated Use machine.ServiceStateEvent.$Properties instead.
     */
    interface IServiceStateEvent extends machine.ServiceStateEvent.$Properties {
    }

    /** Represents a ServiceStateEvent. */
    class ServiceStateEvent {

        /**
         * Constructs a new ServiceStateEvent.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.ServiceStateEvent.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** ServiceStateEvent service. */
        service: string;

        /** ServiceStateEvent action. */
        action: machine.ServiceStateEvent.Action;

        /** ServiceStateEvent message. */
        message: string;

        /** ServiceStateEvent health. */
        health?: (machine.ServiceHealth.$Properties|null);

        /**
         * Encodes the specified ServiceStateEvent message. Does not implicitly {@link machine.ServiceStateEvent.verify|verify} messages.
         * @param message ServiceStateEvent message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.ServiceStateEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a ServiceStateEvent message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.ServiceStateEvent & machine.ServiceStateEvent.$Shape} ServiceStateEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.ServiceStateEvent & machine.ServiceStateEvent.$Shape;

        /**
         * Creates a ServiceStateEvent message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns ServiceStateEvent
         */
        static fromObject(object: { [k: string]: any }): machine.ServiceStateEvent;

        /**
         * Creates a plain object from a ServiceStateEvent message. Also converts values to other types if specified.
         * @param message ServiceStateEvent
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.ServiceStateEvent, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this ServiceStateEvent to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for ServiceStateEvent
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace ServiceStateEvent {

        /** Properties of a ServiceStateEvent. */
        interface $Properties {

            /** ServiceStateEvent service */
            service?: (string|null);

            /** ServiceStateEvent action */
            action?: (machine.ServiceStateEvent.Action|null);

            /** ServiceStateEvent message */
            message?: (string|null);

            /** ServiceStateEvent health */
            health?: (machine.ServiceHealth.$Properties|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a ServiceStateEvent. */
        type $Shape = machine.ServiceStateEvent.$Properties;

        /** Action enum. */
        enum Action {

            /** INITIALIZED value */
            INITIALIZED = 0,

            /** PREPARING value */
            PREPARING = 1,

            /** WAITING value */
            WAITING = 2,

            /** RUNNING value */
            RUNNING = 3,

            /** STOPPING value */
            STOPPING = 4,

            /** FINISHED value */
            FINISHED = 5,

            /** FAILED value */
            FAILED = 6,

            /** SKIPPED value */
            SKIPPED = 7,

            /** STARTING value */
            STARTING = 8
        }
    }

    /**
     * Properties of a RestartEvent.
     * @deprecated Use machine.RestartEvent.$Properties instead.
     */
    interface IRestartEvent extends machine.RestartEvent.$Properties {
    }

    /** Represents a RestartEvent. */
    class RestartEvent {

        /**
         * Constructs a new RestartEvent.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.RestartEvent.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** RestartEvent cmd. */
        cmd: (number|Long);

        /**
         * Encodes the specified RestartEvent message. Does not implicitly {@link machine.RestartEvent.verify|verify} messages.
         * @param message RestartEvent message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.RestartEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a RestartEvent message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.RestartEvent & machine.RestartEvent.$Shape} RestartEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.RestartEvent & machine.RestartEvent.$Shape;

        /**
         * Creates a RestartEvent message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns RestartEvent
         */
        static fromObject(object: { [k: string]: any }): machine.RestartEvent;

        /**
         * Creates a plain object from a RestartEvent message. Also converts values to other types if specified.
         * @param message RestartEvent
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.RestartEvent, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this RestartEvent to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for RestartEvent
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace RestartEvent {

        /** Properties of a RestartEvent. */
        interface $Properties {

            /** RestartEvent cmd */
            cmd?: (number|Long|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a RestartEvent. */
        type $Shape = machine.RestartEvent.$Properties;
    }

    /**
     * Properties of a ConfigLoadErrorEvent.
     * @deprecated Use machine.ConfigLoadErrorEvent.$Properties instead.
     */
    interface IConfigLoadErrorEvent extends machine.ConfigLoadErrorEvent.$Properties {
    }

    /** Represents a ConfigLoadErrorEvent. */
    class ConfigLoadErrorEvent {

        /**
         * Constructs a new ConfigLoadErrorEvent.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.ConfigLoadErrorEvent.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** ConfigLoadErrorEvent error. */
        error: string;

        /**
         * Encodes the specified ConfigLoadErrorEvent message. Does not implicitly {@link machine.ConfigLoadErrorEvent.verify|verify} messages.
         * @param message ConfigLoadErrorEvent message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.ConfigLoadErrorEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a ConfigLoadErrorEvent message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.ConfigLoadErrorEvent & machine.ConfigLoadErrorEvent.$Shape} ConfigLoadErrorEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.ConfigLoadErrorEvent & machine.ConfigLoadErrorEvent.$Shape;

        /**
         * Creates a ConfigLoadErrorEvent message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns ConfigLoadErrorEvent
         */
        static fromObject(object: { [k: string]: any }): machine.ConfigLoadErrorEvent;

        /**
         * Creates a plain object from a ConfigLoadErrorEvent message. Also converts values to other types if specified.
         * @param message ConfigLoadErrorEvent
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.ConfigLoadErrorEvent, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this ConfigLoadErrorEvent to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for ConfigLoadErrorEvent
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace ConfigLoadErrorEvent {

        /** Properties of a ConfigLoadErrorEvent. */
        interface $Properties {

            /** ConfigLoadErrorEvent error */
            error?: (string|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a ConfigLoadErrorEvent. */
        type $Shape = machine.ConfigLoadErrorEvent.$Properties;
    }

    /**
     * Properties of a ConfigValidationErrorEvent.
     * @deprecated Use machine.ConfigValidationErrorEvent.$Properties instead.
     */
    interface IConfigValidationErrorEvent extends machine.ConfigValidationErrorEvent.$Properties {
    }

    /** Represents a ConfigValidationErrorEvent. */
    class ConfigValidationErrorEvent {

        /**
         * Constructs a new ConfigValidationErrorEvent.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.ConfigValidationErrorEvent.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** ConfigValidationErrorEvent error. */
        error: string;

        /**
         * Encodes the specified ConfigValidationErrorEvent message. Does not implicitly {@link machine.ConfigValidationErrorEvent.verify|verify} messages.
         * @param message ConfigValidationErrorEvent message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.ConfigValidationErrorEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a ConfigValidationErrorEvent message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.ConfigValidationErrorEvent & machine.ConfigValidationErrorEvent.$Shape} ConfigValidationErrorEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.ConfigValidationErrorEvent & machine.ConfigValidationErrorEvent.$Shape;

        /**
         * Creates a ConfigValidationErrorEvent message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns ConfigValidationErrorEvent
         */
        static fromObject(object: { [k: string]: any }): machine.ConfigValidationErrorEvent;

        /**
         * Creates a plain object from a ConfigValidationErrorEvent message. Also converts values to other types if specified.
         * @param message ConfigValidationErrorEvent
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.ConfigValidationErrorEvent, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this ConfigValidationErrorEvent to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for ConfigValidationErrorEvent
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace ConfigValidationErrorEvent {

        /** Properties of a ConfigValidationErrorEvent. */
        interface $Properties {

            /** ConfigValidationErrorEvent error */
            error?: (string|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a ConfigValidationErrorEvent. */
        type $Shape = machine.ConfigValidationErrorEvent.$Properties;
    }

    /**
     * Properties of an AddressEvent.
     * @deprecated Use machine.AddressEvent.$Properties instead.
     */
    interface IAddressEvent extends machine.AddressEvent.$Properties {
    }

    /** Represents an AddressEvent. */
    class AddressEvent {

        /**
         * Constructs a new AddressEvent.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.AddressEvent.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** AddressEvent hostname. */
        hostname: string;

        /** AddressEvent addresses. */
        addresses: string[];

        /**
         * Encodes the specified AddressEvent message. Does not implicitly {@link machine.AddressEvent.verify|verify} messages.
         * @param message AddressEvent message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.AddressEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes an AddressEvent message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.AddressEvent & machine.AddressEvent.$Shape} AddressEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.AddressEvent & machine.AddressEvent.$Shape;

        /**
         * Creates an AddressEvent message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns AddressEvent
         */
        static fromObject(object: { [k: string]: any }): machine.AddressEvent;

        /**
         * Creates a plain object from an AddressEvent message. Also converts values to other types if specified.
         * @param message AddressEvent
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.AddressEvent, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this AddressEvent to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for AddressEvent
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace AddressEvent {

        /** Properties of an AddressEvent. */
        interface $Properties {

            /** AddressEvent hostname */
            hostname?: (string|null);

            /** AddressEvent addresses */
            addresses?: (string[]|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of an AddressEvent. */
        type $Shape = machine.AddressEvent.$Properties;
    }

    /**
     * Properties of a MachineStatusEvent.
     * @deprecated Use machine.MachineStatusEvent.$Properties instead.
     */
    interface IMachineStatusEvent extends machine.MachineStatusEvent.$Properties {
    }

    /** Represents a MachineStatusEvent. */
    class MachineStatusEvent {

        /**
         * Constructs a new MachineStatusEvent.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.MachineStatusEvent.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** MachineStatusEvent stage. */
        stage: machine.MachineStatusEvent.MachineStage;

        /** MachineStatusEvent status. */
        status?: (machine.MachineStatusEvent.MachineStatus.$Properties|null);

        /**
         * Encodes the specified MachineStatusEvent message. Does not implicitly {@link machine.MachineStatusEvent.verify|verify} messages.
         * @param message MachineStatusEvent message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.MachineStatusEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a MachineStatusEvent message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.MachineStatusEvent & machine.MachineStatusEvent.$Shape} MachineStatusEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.MachineStatusEvent & machine.MachineStatusEvent.$Shape;

        /**
         * Creates a MachineStatusEvent message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns MachineStatusEvent
         */
        static fromObject(object: { [k: string]: any }): machine.MachineStatusEvent;

        /**
         * Creates a plain object from a MachineStatusEvent message. Also converts values to other types if specified.
         * @param message MachineStatusEvent
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.MachineStatusEvent, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this MachineStatusEvent to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for MachineStatusEvent
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace MachineStatusEvent {

        /** Properties of a MachineStatusEvent. */
        interface $Properties {

            /** MachineStatusEvent stage */
            stage?: (machine.MachineStatusEvent.MachineStage|null);

            /** MachineStatusEvent status */
            status?: (machine.MachineStatusEvent.MachineStatus.$Properties|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a MachineStatusEvent. */
        type $Shape = machine.MachineStatusEvent.$Properties;

        /** MachineStage enum. */
        enum MachineStage {

            /** UNKNOWN value */
            UNKNOWN = 0,

            /** BOOTING value */
            BOOTING = 1,

            /** INSTALLING value */
            INSTALLING = 2,

            /** MAINTENANCE value */
            MAINTENANCE = 3,

            /** RUNNING value */
            RUNNING = 4,

            /** REBOOTING value */
            REBOOTING = 5,

            /** SHUTTING_DOWN value */
            SHUTTING_DOWN = 6,

            /** RESETTING value */
            RESETTING = 7,

            /** UPGRADING value */
            UPGRADING = 8
        }

        /**
         * Properties of a MachineStatus.
         * @deprecated Use machine.MachineStatusEvent.MachineStatus.$Properties instead.
         */
        interface IMachineStatus extends machine.MachineStatusEvent.MachineStatus.$Properties {
        }

        /** Represents a MachineStatus. */
        class MachineStatus {

            /**
             * Constructs a new MachineStatus.
             * @param [properties] Properties to set
             */
            constructor(properties?: machine.MachineStatusEvent.MachineStatus.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** MachineStatus ready. */
            ready: boolean;

            /** MachineStatus unmet_conditions. */
            unmet_conditions: machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties[];

            /**
             * Encodes the specified MachineStatus message. Does not implicitly {@link machine.MachineStatusEvent.MachineStatus.verify|verify} messages.
             * @param message MachineStatus message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: machine.MachineStatusEvent.MachineStatus.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a MachineStatus message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {machine.MachineStatusEvent.MachineStatus & machine.MachineStatusEvent.MachineStatus.$Shape} MachineStatus
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.MachineStatusEvent.MachineStatus & machine.MachineStatusEvent.MachineStatus.$Shape;

            /**
             * Creates a MachineStatus message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns MachineStatus
             */
            static fromObject(object: { [k: string]: any }): machine.MachineStatusEvent.MachineStatus;

            /**
             * Creates a plain object from a MachineStatus message. Also converts values to other types if specified.
             * @param message MachineStatus
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: machine.MachineStatusEvent.MachineStatus, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this MachineStatus to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };

            /**
             * Gets the type url for MachineStatus
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace MachineStatus {

            /** Properties of a MachineStatus. */
            interface $Properties {

                /** MachineStatus ready */
                ready?: (boolean|null);

                /** MachineStatus unmet_conditions */
                unmet_conditions?: (machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a MachineStatus. */
            type $Shape = machine.MachineStatusEvent.MachineStatus.$Properties;

            /**
             * Properties of an UnmetCondition.
             * @deprecated Use machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties instead.
             */
            interface IUnmetCondition extends machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties {
            }

            /** Represents an UnmetCondition. */
            class UnmetCondition {

                /**
                 * Constructs a new UnmetCondition.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** UnmetCondition name. */
                name: string;

                /** UnmetCondition reason. */
                reason: string;

                /**
                 * Encodes the specified UnmetCondition message. Does not implicitly {@link machine.MachineStatusEvent.MachineStatus.UnmetCondition.verify|verify} messages.
                 * @param message UnmetCondition message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an UnmetCondition message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {machine.MachineStatusEvent.MachineStatus.UnmetCondition & machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Shape} UnmetCondition
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.MachineStatusEvent.MachineStatus.UnmetCondition & machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Shape;

                /**
                 * Creates an UnmetCondition message from a plain object. Also converts values to their respective internal types.
                 * @param object Plain object
                 * @returns UnmetCondition
                 */
                static fromObject(object: { [k: string]: any }): machine.MachineStatusEvent.MachineStatus.UnmetCondition;

                /**
                 * Creates a plain object from an UnmetCondition message. Also converts values to other types if specified.
                 * @param message UnmetCondition
                 * @param [options] Conversion options
                 * @returns Plain object
                 */
                static toObject(message: machine.MachineStatusEvent.MachineStatus.UnmetCondition, options?: $protobuf.IConversionOptions): { [k: string]: any };

                /**
                 * Converts this UnmetCondition to JSON.
                 * @returns JSON object
                 */
                toJSON(): { [k: string]: any };

                /**
                 * Gets the type url for UnmetCondition
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace UnmetCondition {

                /** Properties of an UnmetCondition. */
                interface $Properties {

                    /** UnmetCondition name */
                    name?: (string|null);

                    /** UnmetCondition reason */
                    reason?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an UnmetCondition. */
                type $Shape = machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties;
            }
        }
    }

    /**
     * Properties of a MetaWriteRequest.
     * @deprecated Use machine.MetaWriteRequest.$Properties instead.
     */
    interface IMetaWriteRequest extends machine.MetaWriteRequest.$Properties {
    }

    /** Represents a MetaWriteRequest. */
    class MetaWriteRequest {

        /**
         * Constructs a new MetaWriteRequest.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.MetaWriteRequest.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** MetaWriteRequest key. */
        key: number;

        /** MetaWriteRequest value. */
        value: Uint8Array;

        /**
         * Encodes the specified MetaWriteRequest message. Does not implicitly {@link machine.MetaWriteRequest.verify|verify} messages.
         * @param message MetaWriteRequest message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.MetaWriteRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a MetaWriteRequest message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.MetaWriteRequest & machine.MetaWriteRequest.$Shape} MetaWriteRequest
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.MetaWriteRequest & machine.MetaWriteRequest.$Shape;

        /**
         * Creates a MetaWriteRequest message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns MetaWriteRequest
         */
        static fromObject(object: { [k: string]: any }): machine.MetaWriteRequest;

        /**
         * Creates a plain object from a MetaWriteRequest message. Also converts values to other types if specified.
         * @param message MetaWriteRequest
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.MetaWriteRequest, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this MetaWriteRequest to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for MetaWriteRequest
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace MetaWriteRequest {

        /** Properties of a MetaWriteRequest. */
        interface $Properties {

            /** MetaWriteRequest key */
            key?: (number|null);

            /** MetaWriteRequest value */
            value?: (Uint8Array|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a MetaWriteRequest. */
        type $Shape = machine.MetaWriteRequest.$Properties;
    }

    /**
     * Properties of a MetaWrite.
     * @deprecated Use machine.MetaWrite.$Properties instead.
     */
    interface IMetaWrite extends machine.MetaWrite.$Properties {
    }

    /** Represents a MetaWrite. */
    class MetaWrite {

        /**
         * Constructs a new MetaWrite.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.MetaWrite.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /**
         * Encodes the specified MetaWrite message. Does not implicitly {@link machine.MetaWrite.verify|verify} messages.
         * @param message MetaWrite message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.MetaWrite.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a MetaWrite message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.MetaWrite & machine.MetaWrite.$Shape} MetaWrite
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.MetaWrite & machine.MetaWrite.$Shape;

        /**
         * Creates a MetaWrite message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns MetaWrite
         */
        static fromObject(object: { [k: string]: any }): machine.MetaWrite;

        /**
         * Creates a plain object from a MetaWrite message. Also converts values to other types if specified.
         * @param message MetaWrite
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.MetaWrite, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this MetaWrite to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for MetaWrite
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace MetaWrite {

        /** Properties of a MetaWrite. */
        interface $Properties {

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a MetaWrite. */
        type $Shape = machine.MetaWrite.$Properties;
    }

    /**
     * Properties of a MetaWriteResponse.
     * @deprecated Use machine.MetaWriteResponse.$Properties instead.
     */
    interface IMetaWriteResponse extends machine.MetaWriteResponse.$Properties {
    }

    /** Represents a MetaWriteResponse. */
    class MetaWriteResponse {

        /**
         * Constructs a new MetaWriteResponse.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.MetaWriteResponse.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** MetaWriteResponse messages. */
        messages: machine.MetaWrite.$Properties[];

        /**
         * Encodes the specified MetaWriteResponse message. Does not implicitly {@link machine.MetaWriteResponse.verify|verify} messages.
         * @param message MetaWriteResponse message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.MetaWriteResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a MetaWriteResponse message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.MetaWriteResponse & machine.MetaWriteResponse.$Shape} MetaWriteResponse
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.MetaWriteResponse & machine.MetaWriteResponse.$Shape;

        /**
         * Creates a MetaWriteResponse message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns MetaWriteResponse
         */
        static fromObject(object: { [k: string]: any }): machine.MetaWriteResponse;

        /**
         * Creates a plain object from a MetaWriteResponse message. Also converts values to other types if specified.
         * @param message MetaWriteResponse
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.MetaWriteResponse, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this MetaWriteResponse to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for MetaWriteResponse
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace MetaWriteResponse {

        /** Properties of a MetaWriteResponse. */
        interface $Properties {

            /** MetaWriteResponse messages */
            messages?: (machine.MetaWrite.$Properties[]|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a MetaWriteResponse. */
        type $Shape = machine.MetaWriteResponse.$Properties;
    }

    /**
     * Properties of a MetaDeleteRequest.
     * @deprecated Use machine.MetaDeleteRequest.$Properties instead.
     */
    interface IMetaDeleteRequest extends machine.MetaDeleteRequest.$Properties {
    }

    /** Represents a MetaDeleteRequest. */
    class MetaDeleteRequest {

        /**
         * Constructs a new MetaDeleteRequest.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.MetaDeleteRequest.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** MetaDeleteRequest key. */
        key: number;

        /**
         * Encodes the specified MetaDeleteRequest message. Does not implicitly {@link machine.MetaDeleteRequest.verify|verify} messages.
         * @param message MetaDeleteRequest message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.MetaDeleteRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a MetaDeleteRequest message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.MetaDeleteRequest & machine.MetaDeleteRequest.$Shape} MetaDeleteRequest
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.MetaDeleteRequest & machine.MetaDeleteRequest.$Shape;

        /**
         * Creates a MetaDeleteRequest message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns MetaDeleteRequest
         */
        static fromObject(object: { [k: string]: any }): machine.MetaDeleteRequest;

        /**
         * Creates a plain object from a MetaDeleteRequest message. Also converts values to other types if specified.
         * @param message MetaDeleteRequest
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.MetaDeleteRequest, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this MetaDeleteRequest to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for MetaDeleteRequest
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace MetaDeleteRequest {

        /** Properties of a MetaDeleteRequest. */
        interface $Properties {

            /** MetaDeleteRequest key */
            key?: (number|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a MetaDeleteRequest. */
        type $Shape = machine.MetaDeleteRequest.$Properties;
    }

    /**
     * Properties of a MetaDelete.
     * @deprecated Use machine.MetaDelete.$Properties instead.
     */
    interface IMetaDelete extends machine.MetaDelete.$Properties {
    }

    /** Represents a MetaDelete. */
    class MetaDelete {

        /**
         * Constructs a new MetaDelete.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.MetaDelete.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /**
         * Encodes the specified MetaDelete message. Does not implicitly {@link machine.MetaDelete.verify|verify} messages.
         * @param message MetaDelete message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.MetaDelete.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a MetaDelete message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.MetaDelete & machine.MetaDelete.$Shape} MetaDelete
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.MetaDelete & machine.MetaDelete.$Shape;

        /**
         * Creates a MetaDelete message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns MetaDelete
         */
        static fromObject(object: { [k: string]: any }): machine.MetaDelete;

        /**
         * Creates a plain object from a MetaDelete message. Also converts values to other types if specified.
         * @param message MetaDelete
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.MetaDelete, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this MetaDelete to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for MetaDelete
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace MetaDelete {

        /** Properties of a MetaDelete. */
        interface $Properties {

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a MetaDelete. */
        type $Shape = machine.MetaDelete.$Properties;
    }

    /**
     * Properties of a MetaDeleteResponse.
     * @deprecated Use machine.MetaDeleteResponse.$Properties instead.
     */
    interface IMetaDeleteResponse extends machine.MetaDeleteResponse.$Properties {
    }

    /** Represents a MetaDeleteResponse. */
    class MetaDeleteResponse {

        /**
         * Constructs a new MetaDeleteResponse.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.MetaDeleteResponse.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** MetaDeleteResponse messages. */
        messages: machine.MetaDelete.$Properties[];

        /**
         * Encodes the specified MetaDeleteResponse message. Does not implicitly {@link machine.MetaDeleteResponse.verify|verify} messages.
         * @param message MetaDeleteResponse message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.MetaDeleteResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a MetaDeleteResponse message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.MetaDeleteResponse & machine.MetaDeleteResponse.$Shape} MetaDeleteResponse
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.MetaDeleteResponse & machine.MetaDeleteResponse.$Shape;

        /**
         * Creates a MetaDeleteResponse message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns MetaDeleteResponse
         */
        static fromObject(object: { [k: string]: any }): machine.MetaDeleteResponse;

        /**
         * Creates a plain object from a MetaDeleteResponse message. Also converts values to other types if specified.
         * @param message MetaDeleteResponse
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.MetaDeleteResponse, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this MetaDeleteResponse to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for MetaDeleteResponse
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace MetaDeleteResponse {

        /** Properties of a MetaDeleteResponse. */
        interface $Properties {

            /** MetaDeleteResponse messages */
            messages?: (machine.MetaDelete.$Properties[]|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a MetaDeleteResponse. */
        type $Shape = machine.MetaDeleteResponse.$Properties;
    }

    /**
     * Properties of a VersionInfo.
     * @deprecated Use machine.VersionInfo.$Properties instead.
     */
    interface IVersionInfo extends machine.VersionInfo.$Properties {
    }

    /** Represents a VersionInfo. */
    class VersionInfo {

        /**
         * Constructs a new VersionInfo.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.VersionInfo.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** VersionInfo tag. */
        tag: string;

        /**
         * Encodes the specified VersionInfo message. Does not implicitly {@link machine.VersionInfo.verify|verify} messages.
         * @param message VersionInfo message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.VersionInfo.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a VersionInfo message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.VersionInfo & machine.VersionInfo.$Shape} VersionInfo
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.VersionInfo & machine.VersionInfo.$Shape;

        /**
         * Creates a VersionInfo message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns VersionInfo
         */
        static fromObject(object: { [k: string]: any }): machine.VersionInfo;

        /**
         * Creates a plain object from a VersionInfo message. Also converts values to other types if specified.
         * @param message VersionInfo
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.VersionInfo, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this VersionInfo to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for VersionInfo
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace VersionInfo {

        /** Properties of a VersionInfo. */
        interface $Properties {

            /** VersionInfo tag */
            tag?: (string|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a VersionInfo. */
        type $Shape = machine.VersionInfo.$Properties;
    }

    /**
     * Properties of a Version.
     * @deprecated Use machine.Version.$Properties instead.
     */
    interface IVersion extends machine.Version.$Properties {
    }

    /** Represents a Version. */
    class Version {

        /**
         * Constructs a new Version.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.Version.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Version version. */
        version?: (machine.VersionInfo.$Properties|null);

        /**
         * Encodes the specified Version message. Does not implicitly {@link machine.Version.verify|verify} messages.
         * @param message Version message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.Version.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Version message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.Version & machine.Version.$Shape} Version
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.Version & machine.Version.$Shape;

        /**
         * Creates a Version message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns Version
         */
        static fromObject(object: { [k: string]: any }): machine.Version;

        /**
         * Creates a plain object from a Version message. Also converts values to other types if specified.
         * @param message Version
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.Version, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this Version to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for Version
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace Version {

        /** Properties of a Version. */
        interface $Properties {

            /** Version version */
            version?: (machine.VersionInfo.$Properties|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Version. */
        type $Shape = machine.Version.$Properties;
    }

    /**
     * Properties of a VersionResponse.
     * @deprecated Use machine.VersionResponse.$Properties instead.
     */
    interface IVersionResponse extends machine.VersionResponse.$Properties {
    }

    /** Represents a VersionResponse. */
    class VersionResponse {

        /**
         * Constructs a new VersionResponse.
         * @param [properties] Properties to set
         */
        constructor(properties?: machine.VersionResponse.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** VersionResponse messages. */
        messages: machine.Version.$Properties[];

        /**
         * Encodes the specified VersionResponse message. Does not implicitly {@link machine.VersionResponse.verify|verify} messages.
         * @param message VersionResponse message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: machine.VersionResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a VersionResponse message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {machine.VersionResponse & machine.VersionResponse.$Shape} VersionResponse
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): machine.VersionResponse & machine.VersionResponse.$Shape;

        /**
         * Creates a VersionResponse message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns VersionResponse
         */
        static fromObject(object: { [k: string]: any }): machine.VersionResponse;

        /**
         * Creates a plain object from a VersionResponse message. Also converts values to other types if specified.
         * @param message VersionResponse
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: machine.VersionResponse, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this VersionResponse to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for VersionResponse
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace VersionResponse {

        /** Properties of a VersionResponse. */
        interface $Properties {

            /** VersionResponse messages */
            messages?: (machine.Version.$Properties[]|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a VersionResponse. */
        type $Shape = machine.VersionResponse.$Properties;
    }
}

/** Namespace common. */
export namespace common {

    /** Code enum. */
    enum Code {

        /** FATAL value */
        FATAL = 0,

        /** LOCKED value */
        LOCKED = 1,

        /** CANCELED value */
        CANCELED = 2
    }

    /**
     * Properties of an Error.
     * @deprecated Use common.Error.$Properties instead.
     */
    interface IError extends common.Error.$Properties {
    }

    /** Represents an Error. */
    class Error {

        /**
         * Constructs a new Error.
         * @param [properties] Properties to set
         */
        constructor(properties?: common.Error.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Error code. */
        code: common.Code;

        /** Error message. */
        message: string;

        /** Error details. */
        details: google.protobuf.Any.$Properties[];

        /**
         * Encodes the specified Error message. Does not implicitly {@link common.Error.verify|verify} messages.
         * @param message Error message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: common.Error.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes an Error message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {common.Error & common.Error.$Shape} Error
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): common.Error & common.Error.$Shape;

        /**
         * Creates an Error message from a plain object. Also converts values to their respective internal types.
         * @param object Plain object
         * @returns Error
         */
        static fromObject(object: { [k: string]: any }): common.Error;

        /**
         * Creates a plain object from an Error message. Also converts values to other types if specified.
         * @param message Error
         * @param [options] Conversion options
         * @returns Plain object
         */
        static toObject(message: common.Error, options?: $protobuf.IConversionOptions): { [k: string]: any };

        /**
         * Converts this Error to JSON.
         * @returns JSON object
         */
        toJSON(): { [k: string]: any };

        /**
         * Gets the type url for Error
         * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns The type url
         */
        static getTypeUrl(prefix?: string): string;
    }

    namespace Error {

        /** Properties of an Error. */
        interface $Properties {

            /** Error code */
            code?: (common.Code|null);

            /** Error message */
            message?: (string|null);

            /** Error details */
            details?: (google.protobuf.Any.$Properties[]|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of an Error. */
        type $Shape = common.Error.$Properties;
    }
}

/** Namespace google. */
export namespace google {

    /** Namespace protobuf. */
    namespace protobuf {

        /**
         * Properties of an Any.
         * @deprecated Use google.protobuf.Any.$Properties instead.
         */
        interface IAny extends google.protobuf.Any.$Properties {
        }

        /** Represents an Any. */
        class Any {

            /**
             * Constructs a new Any.
             * @param [properties] Properties to set
             */
            constructor(properties?: google.protobuf.Any.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Any type_url. */
            type_url: string;

            /** Any value. */
            value: Uint8Array;

            /**
             * Encodes the specified Any message. Does not implicitly {@link google.protobuf.Any.verify|verify} messages.
             * @param message Any message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: google.protobuf.Any.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Any message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {google.protobuf.Any & google.protobuf.Any.$Shape} Any
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): google.protobuf.Any & google.protobuf.Any.$Shape;

            /**
             * Creates an Any message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Any
             */
            static fromObject(object: { [k: string]: any }): google.protobuf.Any;

            /**
             * Creates a plain object from an Any message. Also converts values to other types if specified.
             * @param message Any
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: google.protobuf.Any, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Any to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };

            /**
             * Gets the type url for Any
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace Any {

            /** Properties of an Any. */
            interface $Properties {

                /** Any type_url */
                type_url?: (string|null);

                /** Any value */
                value?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Any. */
            type $Shape = google.protobuf.Any.$Properties;
        }

        /**
         * Properties of a Timestamp.
         * @deprecated Use google.protobuf.Timestamp.$Properties instead.
         */
        interface ITimestamp extends google.protobuf.Timestamp.$Properties {
        }

        /** Represents a Timestamp. */
        class Timestamp {

            /**
             * Constructs a new Timestamp.
             * @param [properties] Properties to set
             */
            constructor(properties?: google.protobuf.Timestamp.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Timestamp seconds. */
            seconds: (number|Long);

            /** Timestamp nanos. */
            nanos: number;

            /**
             * Encodes the specified Timestamp message. Does not implicitly {@link google.protobuf.Timestamp.verify|verify} messages.
             * @param message Timestamp message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: google.protobuf.Timestamp.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Timestamp message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {google.protobuf.Timestamp & google.protobuf.Timestamp.$Shape} Timestamp
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): google.protobuf.Timestamp & google.protobuf.Timestamp.$Shape;

            /**
             * Creates a Timestamp message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Timestamp
             */
            static fromObject(object: { [k: string]: any }): google.protobuf.Timestamp;

            /**
             * Creates a plain object from a Timestamp message. Also converts values to other types if specified.
             * @param message Timestamp
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: google.protobuf.Timestamp, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Timestamp to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };

            /**
             * Gets the type url for Timestamp
             * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns The type url
             */
            static getTypeUrl(prefix?: string): string;
        }

        namespace Timestamp {

            /** Properties of a Timestamp. */
            interface $Properties {

                /** Timestamp seconds */
                seconds?: (number|Long|null);

                /** Timestamp nanos */
                nanos?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Timestamp. */
            type $Shape = google.protobuf.Timestamp.$Properties;
        }
    }
}
