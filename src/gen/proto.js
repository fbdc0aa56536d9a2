/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError, $TypeError = $util.global.TypeError, $String = $util.global.String, $Boolean = $util.global.Boolean, $Array = $util.global.Array, $Number = $util.global.Number, $parseInt = $util.global.parseInt, $BigInt = $util.global.BigInt;

// Exported root namespace
const $root = $protobuf.roots["siderolink"] || ($protobuf.roots["siderolink"] = {});

export const sidero = $root.sidero = (() => {

    /**
     * Namespace sidero.
     * @exports sidero
     * @namespace
     */
    const sidero = {};

    sidero.link = (function() {

        /**
         * Namespace link.
         * @memberof sidero
         * @namespace
         */
        const link = {};

        link.ProvisionRequest = (function() {

            /**
             * Properties of a ProvisionRequest.
             * @typedef {Object} sidero.link.ProvisionRequest.$Properties
             * @property {string|null} [node_uuid] ProvisionRequest node_uuid
             * @property {string|null} [node_public_key] ProvisionRequest node_public_key
             * @property {string|null} [join_token] ProvisionRequest join_token
             * @property {string|null} [node_unique_token] ProvisionRequest node_unique_token
             * @property {string|null} [talos_version] ProvisionRequest talos_version
             * @property {boolean|null} [wireguard_over_grpc] ProvisionRequest wireguard_over_grpc
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ProvisionRequest.
             * @memberof sidero.link
             * @interface IProvisionRequest
             * @augments sidero.link.ProvisionRequest.$Properties
             * @deprecated Use sidero.link.ProvisionRequest.$Properties instead.
             */

            /**
             * Shape of a ProvisionRequest.
             * @typedef {sidero.link.ProvisionRequest.$Properties} sidero.link.ProvisionRequest.$Shape
             */

            /**
             * Constructs a new ProvisionRequest.
             * @memberof sidero.link
             * @classdesc Represents a ProvisionRequest.
             * @constructor
             * @param {sidero.link.ProvisionRequest.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ProvisionRequest = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ProvisionRequest node_uuid.
             * @member {string} node_uuid
             * @memberof sidero.link.ProvisionRequest
             * @instance
             */
            ProvisionRequest.prototype.node_uuid = "";

            /**
             * ProvisionRequest node_public_key.
             * @member {string} node_public_key
             * @memberof sidero.link.ProvisionRequest
             * @instance
             */
            ProvisionRequest.prototype.node_public_key = "";

            /**
             * ProvisionRequest join_token.
             * @member {string|null|undefined} join_token
             * @memberof sidero.link.ProvisionRequest
             * @instance
             */
            ProvisionRequest.prototype.join_token = null;

            /**
             * ProvisionRequest node_unique_token.
             * @member {string|null|undefined} node_unique_token
             * @memberof sidero.link.ProvisionRequest
             * @instance
             */
            ProvisionRequest.prototype.node_unique_token = null;

            /**
             * ProvisionRequest talos_version.
             * @member {string|null|undefined} talos_version
             * @memberof sidero.link.ProvisionRequest
             * @instance
             */
            ProvisionRequest.prototype.talos_version = null;

            /**
             * ProvisionRequest wireguard_over_grpc.
             * @member {boolean|null|undefined} wireguard_over_grpc
             * @memberof sidero.link.ProvisionRequest
             * @instance
             */
            ProvisionRequest.prototype.wireguard_over_grpc = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(ProvisionRequest.prototype, "_join_token", {
                get: $util.oneOfGetter($oneOfFields = ["join_token"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(ProvisionRequest.prototype, "_node_unique_token", {
                get: $util.oneOfGetter($oneOfFields = ["node_unique_token"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(ProvisionRequest.prototype, "_talos_version", {
                get: $util.oneOfGetter($oneOfFields = ["talos_version"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(ProvisionRequest.prototype, "_wireguard_over_grpc", {
                get: $util.oneOfGetter($oneOfFields = ["wireguard_over_grpc"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Encodes the specified ProvisionRequest message. Does not implicitly {@link sidero.link.ProvisionRequest.verify|verify} messages.
             * @function encode
             * @memberof sidero.link.ProvisionRequest
             * @static
             * @param {sidero.link.ProvisionRequest.$Properties} message ProvisionRequest message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ProvisionRequest.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.node_uuid != null && $Object.hasOwnProperty.call(message, "node_uuid") && message.node_uuid !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.node_uuid);
                if (message.node_public_key != null && $Object.hasOwnProperty.call(message, "node_public_key") && message.node_public_key !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.node_public_key);
                if (message.join_token != null && $Object.hasOwnProperty.call(message, "join_token"))
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.join_token);
                if (message.node_unique_token != null && $Object.hasOwnProperty.call(message, "node_unique_token"))
                    writer.uint32(/* id 4, wireType 2 =*/34).string(message.node_unique_token);
                if (message.talos_version != null && $Object.hasOwnProperty.call(message, "talos_version"))
                    writer.uint32(/* id 5, wireType 2 =*/42).string(message.talos_version);
                if (message.wireguard_over_grpc != null && $Object.hasOwnProperty.call(message, "wireguard_over_grpc"))
                    writer.uint32(/* id 6, wireType 0 =*/48).bool(message.wireguard_over_grpc);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ProvisionRequest message from the specified reader or buffer.
             * @function decode
             * @memberof sidero.link.ProvisionRequest
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {sidero.link.ProvisionRequest & sidero.link.ProvisionRequest.$Shape} ProvisionRequest
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ProvisionRequest.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.sidero.link.ProvisionRequest();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.node_uuid = value;
                            else
                                delete message.node_uuid;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.node_public_key = value;
                            else
                                delete message.node_public_key;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.join_token = reader.stringVerify();
                            message._join_token = "join_token";
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            message.node_unique_token = reader.stringVerify();
                            message._node_unique_token = "node_unique_token";
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            message.talos_version = reader.stringVerify();
                            message._talos_version = "talos_version";
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            message.wireguard_over_grpc = reader.bool();
                            message._wireguard_over_grpc = "wireguard_over_grpc";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a ProvisionRequest message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof sidero.link.ProvisionRequest
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {sidero.link.ProvisionRequest} ProvisionRequest
             */
            ProvisionRequest.fromObject = function (object, _depth) {
                if (object instanceof $root.sidero.link.ProvisionRequest)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".sidero.link.ProvisionRequest: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.sidero.link.ProvisionRequest();
                if (object.node_uuid != null)
                    if (typeof object.node_uuid !== "string" || object.node_uuid.length)
                        message.node_uuid = $String(object.node_uuid);
                if (object.node_public_key != null)
                    if (typeof object.node_public_key !== "string" || object.node_public_key.length)
                        message.node_public_key = $String(object.node_public_key);
                if (object.join_token != null)
                    message.join_token = $String(object.join_token);
                if (object.node_unique_token != null)
                    message.node_unique_token = $String(object.node_unique_token);
                if (object.talos_version != null)
                    message.talos_version = $String(object.talos_version);
                if (object.wireguard_over_grpc != null)
                    message.wireguard_over_grpc = $Boolean(object.wireguard_over_grpc);
                return message;
            };

            /**
             * Creates a plain object from a ProvisionRequest message. Also converts values to other types if specified.
             * @function toObject
             * @memberof sidero.link.ProvisionRequest
             * @static
             * @param {sidero.link.ProvisionRequest} message ProvisionRequest
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            ProvisionRequest.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.node_uuid = "";
                    object.node_public_key = "";
                }
                if (message.node_uuid != null && $Object.hasOwnProperty.call(message, "node_uuid"))
                    object.node_uuid = message.node_uuid;
                if (message.node_public_key != null && $Object.hasOwnProperty.call(message, "node_public_key"))
                    object.node_public_key = message.node_public_key;
                if (message.join_token != null && $Object.hasOwnProperty.call(message, "join_token"))
                    object.join_token = message.join_token;
                if (message.node_unique_token != null && $Object.hasOwnProperty.call(message, "node_unique_token"))
                    object.node_unique_token = message.node_unique_token;
                if (message.talos_version != null && $Object.hasOwnProperty.call(message, "talos_version"))
                    object.talos_version = message.talos_version;
                if (message.wireguard_over_grpc != null && $Object.hasOwnProperty.call(message, "wireguard_over_grpc"))
                    object.wireguard_over_grpc = message.wireguard_over_grpc;
                return object;
            };

            /**
             * Converts this ProvisionRequest to JSON.
             * @function toJSON
             * @memberof sidero.link.ProvisionRequest
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            ProvisionRequest.prototype.toJSON = function() {
                return ProvisionRequest.toObject(this, $protobuf.util.toJSONOptions);
            };

            /**
             * Gets the type url for ProvisionRequest
             * @function getTypeUrl
             * @memberof sidero.link.ProvisionRequest
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            ProvisionRequest.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/sidero.link.ProvisionRequest";
            };

            return ProvisionRequest;
        })();

        link.ProvisionResponse = (function() {

            /**
             * Properties of a ProvisionResponse.
             * @typedef {Object} sidero.link.ProvisionResponse.$Properties
             * @property {Array.<string>|null} [server_endpoint] ProvisionResponse server_endpoint
             * @property {string|null} [server_public_key] ProvisionResponse server_public_key
             * @property {string|null} [node_address_prefix] ProvisionResponse node_address_prefix
             * @property {string|null} [server_address] ProvisionResponse server_address
             * @property {string|null} [grpc_peer_addr_port] ProvisionResponse grpc_peer_addr_port
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ProvisionResponse.
             * @memberof sidero.link
             * @interface IProvisionResponse
             * @augments sidero.link.ProvisionResponse.$Properties
             * @deprecated Use sidero.link.ProvisionResponse.$Properties instead.
             */

            /**
             * Shape of a ProvisionResponse.
             * @typedef {sidero.link.ProvisionResponse.$Properties} sidero.link.ProvisionResponse.$Shape
             */

            /**
             * Constructs a new ProvisionResponse.
             * @memberof sidero.link
             * @classdesc Represents a ProvisionResponse.
             * @constructor
             * @param {sidero.link.ProvisionResponse.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ProvisionResponse = function (properties) {
                this.server_endpoint = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ProvisionResponse server_endpoint.
             * @member {Array.<string>} server_endpoint
             * @memberof sidero.link.ProvisionResponse
             * @instance
             */
            ProvisionResponse.prototype.server_endpoint = $util.emptyArray;

            /**
             * ProvisionResponse server_public_key.
             * @member {string} server_public_key
             * @memberof sidero.link.ProvisionResponse
             * @instance
             */
            ProvisionResponse.prototype.server_public_key = "";

            /**
             * ProvisionResponse node_address_prefix.
             * @member {string} node_address_prefix
             * @memberof sidero.link.ProvisionResponse
             * @instance
             */
            ProvisionResponse.prototype.node_address_prefix = "";

            /**
             * ProvisionResponse server_address.
             * @member {string} server_address
             * @memberof sidero.link.ProvisionResponse
             * @instance
             */
            ProvisionResponse.prototype.server_address = "";

            /**
             * ProvisionResponse grpc_peer_addr_port.
             * @member {string} grpc_peer_addr_port
             * @memberof sidero.link.ProvisionResponse
             * @instance
             */
            ProvisionResponse.prototype.grpc_peer_addr_port = "";

            /**
             * Encodes the specified ProvisionResponse message. Does not implicitly {@link sidero.link.ProvisionResponse.verify|verify} messages.
             * @function encode
             * @memberof sidero.link.ProvisionResponse
             * @static
             * @param {sidero.link.ProvisionResponse.$Properties} message ProvisionResponse message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ProvisionResponse.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.server_endpoint != null && message.server_endpoint.length)
                    for (let i = 0; i < message.server_endpoint.length; ++i)
                        writer.uint32(/* id 1, wireType 2 =*/10).string(message.server_endpoint[i]);
                if (message.server_public_key != null && $Object.hasOwnProperty.call(message, "server_public_key") && message.server_public_key !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.server_public_key);
                if (message.node_address_prefix != null && $Object.hasOwnProperty.call(message, "node_address_prefix") && message.node_address_prefix !== "")
                    writer.uint32(/* id 4, wireType 2 =*/34).string(message.node_address_prefix);
                if (message.server_address != null && $Object.hasOwnProperty.call(message, "server_address") && message.server_address !== "")
                    writer.uint32(/* id 5, wireType 2 =*/42).string(message.server_address);
                if (message.grpc_peer_addr_port != null && $Object.hasOwnProperty.call(message, "grpc_peer_addr_port") && message.grpc_peer_addr_port !== "")
                    writer.uint32(/* id 6, wireType 2 =*/50).string(message.grpc_peer_addr_port);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ProvisionResponse message from the specified reader or buffer.
             * @function decode
             * @memberof sidero.link.ProvisionResponse
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {sidero.link.ProvisionResponse & sidero.link.ProvisionResponse.$Shape} ProvisionResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ProvisionResponse.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.sidero.link.ProvisionResponse();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if (!(message.server_endpoint && message.server_endpoint.length))
                                message.server_endpoint = [];
                            message.server_endpoint.push(reader.stringVerify());
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.server_public_key = value;
                            else
                                delete message.server_public_key;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.node_address_prefix = value;
                            else
                                delete message.node_address_prefix;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.server_address = value;
                            else
                                delete message.server_address;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.grpc_peer_addr_port = value;
                            else
                                delete message.grpc_peer_addr_port;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a ProvisionResponse message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof sidero.link.ProvisionResponse
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {sidero.link.ProvisionResponse} ProvisionResponse
             */
            ProvisionResponse.fromObject = function (object, _depth) {
                if (object instanceof $root.sidero.link.ProvisionResponse)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".sidero.link.ProvisionResponse: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.sidero.link.ProvisionResponse();
                if (object.server_endpoint) {
                    if (!$Array.isArray(object.server_endpoint))
                        throw $TypeError(".sidero.link.ProvisionResponse.server_endpoint: array expected");
                    message.server_endpoint = $Array(object.server_endpoint.length);
                    for (let i = 0; i < object.server_endpoint.length; ++i)
                        message.server_endpoint[i] = $String(object.server_endpoint[i]);
                }
                if (object.server_public_key != null)
                    if (typeof object.server_public_key !== "string" || object.server_public_key.length)
                        message.server_public_key = $String(object.server_public_key);
                if (object.node_address_prefix != null)
                    if (typeof object.node_address_prefix !== "string" || object.node_address_prefix.length)
                        message.node_address_prefix = $String(object.node_address_prefix);
                if (object.server_address != null)
                    if (typeof object.server_address !== "string" || object.server_address.length)
                        message.server_address = $String(object.server_address);
                if (object.grpc_peer_addr_port != null)
                    if (typeof object.grpc_peer_addr_port !== "string" || object.grpc_peer_addr_port.length)
                        message.grpc_peer_addr_port = $String(object.grpc_peer_addr_port);
                return message;
            };

            /**
             * Creates a plain object from a ProvisionResponse message. Also converts values to other types if specified.
             * @function toObject
             * @memberof sidero.link.ProvisionResponse
             * @static
             * @param {sidero.link.ProvisionResponse} message ProvisionResponse
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            ProvisionResponse.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.server_endpoint = [];
                if (options.defaults) {
                    object.server_public_key = "";
                    object.node_address_prefix = "";
                    object.server_address = "";
                    object.grpc_peer_addr_port = "";
                }
                if (message.server_endpoint && message.server_endpoint.length) {
                    object.server_endpoint = $Array(message.server_endpoint.length);
                    for (let j = 0; j < message.server_endpoint.length; ++j)
                        object.server_endpoint[j] = message.server_endpoint[j];
                }
                if (message.server_public_key != null && $Object.hasOwnProperty.call(message, "server_public_key"))
                    object.server_public_key = message.server_public_key;
                if (message.node_address_prefix != null && $Object.hasOwnProperty.call(message, "node_address_prefix"))
                    object.node_address_prefix = message.node_address_prefix;
                if (message.server_address != null && $Object.hasOwnProperty.call(message, "server_address"))
                    object.server_address = message.server_address;
                if (message.grpc_peer_addr_port != null && $Object.hasOwnProperty.call(message, "grpc_peer_addr_port"))
                    object.grpc_peer_addr_port = message.grpc_peer_addr_port;
                return object;
            };

            /**
             * Converts this ProvisionResponse to JSON.
             * @function toJSON
             * @memberof sidero.link.ProvisionResponse
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            ProvisionResponse.prototype.toJSON = function() {
                return ProvisionResponse.toObject(this, $protobuf.util.toJSONOptions);
            };

            /**
             * Gets the type url for ProvisionResponse
             * @function getTypeUrl
             * @memberof sidero.link.ProvisionResponse
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            ProvisionResponse.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/sidero.link.ProvisionResponse";
            };

            return ProvisionResponse;
        })();

        link.PeerPacket = (function() {

            /**
             * Properties of a PeerPacket.
             * @typedef {Object} sidero.link.PeerPacket.$Properties
             * @property {Uint8Array|null} [Data] PeerPacket Data
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PeerPacket.
             * @memberof sidero.link
             * @interface IPeerPacket
             * @augments sidero.link.PeerPacket.$Properties
             * @deprecated Use sidero.link.PeerPacket.$Properties instead.
             */

            /**
             * Shape of a PeerPacket.
             * @typedef {sidero.link.PeerPacket.$Properties} sidero.link.PeerPacket.$Shape
             */

            /**
             * Constructs a new PeerPacket.
             * @memberof sidero.link
             * @classdesc Represents a PeerPacket.
             * @constructor
             * @param {sidero.link.PeerPacket.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PeerPacket = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PeerPacket Data.
             * @member {Uint8Array} Data
             * @memberof sidero.link.PeerPacket
             * @instance
             */
            PeerPacket.prototype.Data = $util.newBuffer([]);

            /**
             * Encodes the specified PeerPacket message. Does not implicitly {@link sidero.link.PeerPacket.verify|verify} messages.
             * @function encode
             * @memberof sidero.link.PeerPacket
             * @static
             * @param {sidero.link.PeerPacket.$Properties} message PeerPacket message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PeerPacket.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.Data != null && $Object.hasOwnProperty.call(message, "Data") && message.Data.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.Data);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PeerPacket message from the specified reader or buffer.
             * @function decode
             * @memberof sidero.link.PeerPacket
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {sidero.link.PeerPacket & sidero.link.PeerPacket.$Shape} PeerPacket
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PeerPacket.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.sidero.link.PeerPacket();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.Data = value;
                            else
                                delete message.Data;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a PeerPacket message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof sidero.link.PeerPacket
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {sidero.link.PeerPacket} PeerPacket
             */
            PeerPacket.fromObject = function (object, _depth) {
                if (object instanceof $root.sidero.link.PeerPacket)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".sidero.link.PeerPacket: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.sidero.link.PeerPacket();
                if (object.Data != null)
                    if (object.Data.length)
                        if (typeof object.Data === "string")
                            $util.base64.decode(object.Data, message.Data = $util.newBuffer($util.base64.length(object.Data)), 0);
                        else if (object.Data.length >= 0)
                            message.Data = object.Data;
                return message;
            };

            /**
             * Creates a plain object from a PeerPacket message. Also converts values to other types if specified.
             * @function toObject
             * @memberof sidero.link.PeerPacket
             * @static
             * @param {sidero.link.PeerPacket} message PeerPacket
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            PeerPacket.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults)
                    if (options.bytes === $String)
                        object.Data = "";
                    else {
                        object.Data = [];
                        if (options.bytes !== $Array)
                            object.Data = $util.newBuffer(object.Data);
                    }
                if (message.Data != null && $Object.hasOwnProperty.call(message, "Data"))
                    object.Data = options.bytes === $String ? $util.base64.encode(message.Data, 0, message.Data.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.Data) : message.Data;
                return object;
            };

            /**
             * Converts this PeerPacket to JSON.
             * @function toJSON
             * @memberof sidero.link.PeerPacket
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            PeerPacket.prototype.toJSON = function() {
                return PeerPacket.toObject(this, $protobuf.util.toJSONOptions);
            };

            /**
             * Gets the type url for PeerPacket
             * @function getTypeUrl
             * @memberof sidero.link.PeerPacket
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            PeerPacket.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/sidero.link.PeerPacket";
            };

            return PeerPacket;
        })();

        return link;
    })();

    return sidero;
})();

export const events = $root.events = (() => {

    /**
     * Namespace events.
     * @exports events
     * @namespace
     */
    const events = {};

    events.EventRequest = (function() {

        /**
         * Properties of an EventRequest.
         * @typedef {Object} events.EventRequest.$Properties
         * @property {google.protobuf.Any.$Properties|null} [data] EventRequest data
         * @property {string|null} [id] EventRequest id
         * @property {string|null} [actor_id] EventRequest actor_id
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of an EventRequest.
         * @memberof events
         * @interface IEventRequest
         * @augments events.EventRequest.$Properties
         * @deprecated Use events.EventRequest.$Properties instead.
         */

        /**
         * Shape of an EventRequest.
         * @typedef {events.EventRequest.$Properties} events.EventRequest.$Shape
         */

        /**
         * Constructs a new EventRequest.
         * @memberof events
         * @classdesc Represents an EventRequest.
         * @constructor
         * @param {events.EventRequest.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const EventRequest = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * EventRequest data.
         * @member {google.protobuf.Any.$Properties|null|undefined} data
         * @memberof events.EventRequest
         * @instance
         */
        EventRequest.prototype.data = null;

        /**
         * EventRequest id.
         * @member {string} id
         * @memberof events.EventRequest
         * @instance
         */
        EventRequest.prototype.id = "";

        /**
         * EventRequest actor_id.
         * @member {string} actor_id
         * @memberof events.EventRequest
         * @instance
         */
        EventRequest.prototype.actor_id = "";

        /**
         * Encodes the specified EventRequest message. Does not implicitly {@link events.EventRequest.verify|verify} messages.
         * @function encode
         * @memberof events.EventRequest
         * @static
         * @param {events.EventRequest.$Properties} message EventRequest message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        EventRequest.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.data != null && $Object.hasOwnProperty.call(message, "data"))
                $root.google.protobuf.Any.encode(message.data, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
            if (message.id != null && $Object.hasOwnProperty.call(message, "id") && message.id !== "")
                writer.uint32(/* id 2, wireType 2 =*/18).string(message.id);
            if (message.actor_id != null && $Object.hasOwnProperty.call(message, "actor_id") && message.actor_id !== "")
                writer.uint32(/* id 3, wireType 2 =*/26).string(message.actor_id);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes an EventRequest message from the specified reader or buffer.
         * @function decode
         * @memberof events.EventRequest
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {events.EventRequest & events.EventRequest.$Shape} EventRequest
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        EventRequest.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.events.EventRequest();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        message.data = $root.google.protobuf.Any.decode(reader, reader.size(), $undefined, _depth + 1, message.data);
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.id = value;
                        else
                            delete message.id;
                        continue;
                    }
                case 3: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.actor_id = value;
                        else
                            delete message.actor_id;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates an EventRequest message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof events.EventRequest
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {events.EventRequest} EventRequest
         */
        EventRequest.fromObject = function (object, _depth) {
            if (object instanceof $root.events.EventRequest)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".events.EventRequest: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.events.EventRequest();
            if (object.data != null) {
                if (!$util.isObject(object.data))
                    throw $TypeError(".events.EventRequest.data: object expected");
                message.data = $root.google.protobuf.Any.fromObject(object.data, _depth + 1);
            }
            if (object.id != null)
                if (typeof object.id !== "string" || object.id.length)
                    message.id = $String(object.id);
            if (object.actor_id != null)
                if (typeof object.actor_id !== "string" || object.actor_id.length)
                    message.actor_id = $String(object.actor_id);
            return message;
        };

        /**
         * Creates a plain object from an EventRequest message. Also converts values to other types if specified.
         * @function toObject
         * @memberof events.EventRequest
         * @static
         * @param {events.EventRequest} message EventRequest
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        EventRequest.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults) {
                object.data = null;
                object.id = "";
                object.actor_id = "";
            }
            if (message.data != null && $Object.hasOwnProperty.call(message, "data"))
                object.data = $root.google.protobuf.Any.toObject(message.data, options, _depth + 1);
            if (message.id != null && $Object.hasOwnProperty.call(message, "id"))
                object.id = message.id;
            if (message.actor_id != null && $Object.hasOwnProperty.call(message, "actor_id"))
                object.actor_id = message.actor_id;
            return object;
        };

        /**
         * Converts this EventRequest to JSON.
         * @function toJSON
         * @memberof events.EventRequest
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        EventRequest.prototype.toJSON = function() {
            return EventRequest.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for EventRequest
         * @function getTypeUrl
         * @memberof events.EventRequest
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        EventRequest.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/events.EventRequest";
        };

        return EventRequest;
    })();

    events.EventResponse = (function() {

        /**
         * Properties of an EventResponse.
         * @typedef {Object} events.EventResponse.$Properties
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of an EventResponse.
         * @memberof events
         * @interface IEventResponse
         * @augments events.EventResponse.$Properties
         * @deprecated Use events.EventResponse.$Properties instead.
         */

        /**
         * Shape of an EventResponse.
         * @typedef {events.EventResponse.$Properties} events.EventResponse.$Shape
         */

        /**
         * Constructs a new EventResponse.
         * @memberof events
         * @classdesc Represents an EventResponse.
         * @constructor
         * @param {events.EventResponse.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const EventResponse = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Encodes the specified EventResponse message. Does not implicitly {@link events.EventResponse.verify|verify} messages.
         * @function encode
         * @memberof events.EventResponse
         * @static
         * @param {events.EventResponse.$Properties} message EventResponse message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        EventResponse.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes an EventResponse message from the specified reader or buffer.
         * @function decode
         * @memberof events.EventResponse
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {events.EventResponse & events.EventResponse.$Shape} EventResponse
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        EventResponse.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.events.EventResponse();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                reader.skipType(tag & 7, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates an EventResponse message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof events.EventResponse
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {events.EventResponse} EventResponse
         */
        EventResponse.fromObject = function (object, _depth) {
            if (object instanceof $root.events.EventResponse)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".events.EventResponse: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            return new $root.events.EventResponse();
        };

        /**
         * Creates a plain object from an EventResponse message. Also converts values to other types if specified.
         * @function toObject
         * @memberof events.EventResponse
         * @static
         * @param {events.EventResponse} message EventResponse
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        EventResponse.toObject = function () {
            return {};
        };

        /**
         * Converts this EventResponse to JSON.
         * @function toJSON
         * @memberof events.EventResponse
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        EventResponse.prototype.toJSON = function() {
            return EventResponse.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for EventResponse
         * @function getTypeUrl
         * @memberof events.EventResponse
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        EventResponse.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/events.EventResponse";
        };

        return EventResponse;
    })();

    return events;
})();

export const machine = $root.machine = (() => {

    /**
     * Namespace machine.
     * @exports machine
     * @namespace
     */
    const machine = {};

    machine.SequenceEvent = (function() {

        /**
         * Properties of a SequenceEvent.
         * @typedef {Object} machine.SequenceEvent.$Properties
         * @property {string|null} [sequence] SequenceEvent sequence
         * @property {machine.SequenceEvent.Action|null} [action] SequenceEvent action
         * @property {common.Error.$Properties|null} [error] SequenceEvent error
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a SequenceEvent.
         * @memberof machine
         * @interface ISequenceEvent
         * @augments machine.SequenceEvent.$Properties
         * @deprecated Use machine.SequenceEvent.$Properties instead.
         */

        /**
         * Shape of a SequenceEvent.
         * @typedef {machine.SequenceEvent.$Properties} machine.SequenceEvent.$Shape
         */

        /**
         * Constructs a new SequenceEvent.
         * @memberof machine
         * @classdesc Represents a SequenceEvent.
         * @constructor
         * @param {machine.SequenceEvent.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const SequenceEvent = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * SequenceEvent sequence.
         * @member {string} sequence
         * @memberof machine.SequenceEvent
         * @instance
         */
        SequenceEvent.prototype.sequence = "";

        /**
         * SequenceEvent action.
         * @member {machine.SequenceEvent.Action} action
         * @memberof machine.SequenceEvent
         * @instance
         */
        SequenceEvent.prototype.action = 0;

        /**
         * SequenceEvent error.
         * @member {common.Error.$Properties|null|undefined} error
         * @memberof machine.SequenceEvent
         * @instance
         */
        SequenceEvent.prototype.error = null;

        /**
         * Encodes the specified SequenceEvent message. Does not implicitly {@link machine.SequenceEvent.verify|verify} messages.
         * @function encode
         * @memberof machine.SequenceEvent
         * @static
         * @param {machine.SequenceEvent.$Properties} message SequenceEvent message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        SequenceEvent.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence") && message.sequence !== "")
                writer.uint32(/* id 1, wireType 2 =*/10).string(message.sequence);
            if (message.action != null && $Object.hasOwnProperty.call(message, "action") && message.action !== 0)
                writer.uint32(/* id 2, wireType 0 =*/16).int32(message.action);
            if (message.error != null && $Object.hasOwnProperty.call(message, "error"))
                $root.common.Error.encode(message.error, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a SequenceEvent message from the specified reader or buffer.
         * @function decode
         * @memberof machine.SequenceEvent
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.SequenceEvent & machine.SequenceEvent.$Shape} SequenceEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        SequenceEvent.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.SequenceEvent();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.sequence = value;
                        else
                            delete message.sequence;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.action = value;
                        else
                            delete message.action;
                        continue;
                    }
                case 3: {
                        if (wireType !== 2)
                            break;
                        message.error = $root.common.Error.decode(reader, reader.size(), $undefined, _depth + 1, message.error);
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a SequenceEvent message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.SequenceEvent
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.SequenceEvent} SequenceEvent
         */
        SequenceEvent.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.SequenceEvent)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.SequenceEvent: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.SequenceEvent();
            if (object.sequence != null)
                if (typeof object.sequence !== "string" || object.sequence.length)
                    message.sequence = $String(object.sequence);
            if (object.action !== 0 && (typeof object.action !== "string" || $root.machine.SequenceEvent.Action[object.action] !== 0))
                switch (object.action) {
                case "NOOP":
                case 0:
                    message.action = 0;
                    break;
                case "START":
                case 1:
                    message.action = 1;
                    break;
                case "STOP":
                case 2:
                    message.action = 2;
                    break;
                default:
                    if (typeof object.action === "number" && (object.action | 0) === object.action)
                        message.action = object.action;
                }
            if (object.error != null) {
                if (!$util.isObject(object.error))
                    throw $TypeError(".machine.SequenceEvent.error: object expected");
                message.error = $root.common.Error.fromObject(object.error, _depth + 1);
            }
            return message;
        };

        /**
         * Creates a plain object from a SequenceEvent message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.SequenceEvent
         * @static
         * @param {machine.SequenceEvent} message SequenceEvent
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        SequenceEvent.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults) {
                object.sequence = "";
                object.action = options.enums === $String ? "NOOP" : 0;
                object.error = null;
            }
            if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence"))
                object.sequence = message.sequence;
            if (message.action != null && $Object.hasOwnProperty.call(message, "action"))
                object.action = options.enums === $String ? $root.machine.SequenceEvent.Action[message.action] === $undefined ? message.action : $root.machine.SequenceEvent.Action[message.action] : message.action;
            if (message.error != null && $Object.hasOwnProperty.call(message, "error"))
                object.error = $root.common.Error.toObject(message.error, options, _depth + 1);
            return object;
        };

        /**
         * Converts this SequenceEvent to JSON.
         * @function toJSON
         * @memberof machine.SequenceEvent
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        SequenceEvent.prototype.toJSON = function() {
            return SequenceEvent.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for SequenceEvent
         * @function getTypeUrl
         * @memberof machine.SequenceEvent
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        SequenceEvent.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.SequenceEvent";
        };

        /**
         * Action enum.
         * @name machine.SequenceEvent.Action
         * @enum {number}
         * @property {number} NOOP=0 NOOP value
         * @property {number} START=1 START value
         * @property {number} STOP=2 STOP value
         */
        SequenceEvent.Action = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "NOOP"] = 0;
            values[valuesById[1] = "START"] = 1;
            values[valuesById[2] = "STOP"] = 2;
            return values;
        })();

        return SequenceEvent;
    })();

    machine.PhaseEvent = (function() {

        /**
         * Properties of a PhaseEvent.
         * @typedef {Object} machine.PhaseEvent.$Properties
         * @property {string|null} [phase] PhaseEvent phase
         * @property {machine.PhaseEvent.Action|null} [action] PhaseEvent action
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a PhaseEvent.
         * @memberof machine
         * @interface IPhaseEvent
         * @augments machine.PhaseEvent.$Properties
         * @deprecated Use machine.PhaseEvent.$Properties instead.
         */

        /**
         * Shape of a PhaseEvent.
         * @typedef {machine.PhaseEvent.$Properties} machine.PhaseEvent.$Shape
         */

        /**
         * Constructs a new PhaseEvent.
         * @memberof machine
         * @classdesc Represents a PhaseEvent.
         * @constructor
         * @param {machine.PhaseEvent.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const PhaseEvent = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * PhaseEvent phase.
         * @member {string} phase
         * @memberof machine.PhaseEvent
         * @instance
         */
        PhaseEvent.prototype.phase = "";

        /**
         * PhaseEvent action.
         * @member {machine.PhaseEvent.Action} action
         * @memberof machine.PhaseEvent
         * @instance
         */
        PhaseEvent.prototype.action = 0;

        /**
         * Encodes the specified PhaseEvent message. Does not implicitly {@link machine.PhaseEvent.verify|verify} messages.
         * @function encode
         * @memberof machine.PhaseEvent
         * @static
         * @param {machine.PhaseEvent.$Properties} message PhaseEvent message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        PhaseEvent.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.phase != null && $Object.hasOwnProperty.call(message, "phase") && message.phase !== "")
                writer.uint32(/* id 1, wireType 2 =*/10).string(message.phase);
            if (message.action != null && $Object.hasOwnProperty.call(message, "action") && message.action !== 0)
                writer.uint32(/* id 2, wireType 0 =*/16).int32(message.action);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a PhaseEvent message from the specified reader or buffer.
         * @function decode
         * @memberof machine.PhaseEvent
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.PhaseEvent & machine.PhaseEvent.$Shape} PhaseEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        PhaseEvent.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.PhaseEvent();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.phase = value;
                        else
                            delete message.phase;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.action = value;
                        else
                            delete message.action;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a PhaseEvent message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.PhaseEvent
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.PhaseEvent} PhaseEvent
         */
        PhaseEvent.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.PhaseEvent)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.PhaseEvent: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.PhaseEvent();
            if (object.phase != null)
                if (typeof object.phase !== "string" || object.phase.length)
                    message.phase = $String(object.phase);
            if (object.action !== 0 && (typeof object.action !== "string" || $root.machine.PhaseEvent.Action[object.action] !== 0))
                switch (object.action) {
                case "START":
                case 0:
                    message.action = 0;
                    break;
                case "STOP":
                case 1:
                    message.action = 1;
                    break;
                default:
                    if (typeof object.action === "number" && (object.action | 0) === object.action)
                        message.action = object.action;
                }
            return message;
        };

        /**
         * Creates a plain object from a PhaseEvent message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.PhaseEvent
         * @static
         * @param {machine.PhaseEvent} message PhaseEvent
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        PhaseEvent.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults) {
                object.phase = "";
                object.action = options.enums === $String ? "START" : 0;
            }
            if (message.phase != null && $Object.hasOwnProperty.call(message, "phase"))
                object.phase = message.phase;
            if (message.action != null && $Object.hasOwnProperty.call(message, "action"))
                object.action = options.enums === $String ? $root.machine.PhaseEvent.Action[message.action] === $undefined ? message.action : $root.machine.PhaseEvent.Action[message.action] : message.action;
            return object;
        };

        /**
         * Converts this PhaseEvent to JSON.
         * @function toJSON
         * @memberof machine.PhaseEvent
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        PhaseEvent.prototype.toJSON = function() {
            return PhaseEvent.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for PhaseEvent
         * @function getTypeUrl
         * @memberof machine.PhaseEvent
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        PhaseEvent.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.PhaseEvent";
        };

        /**
         * Action enum.
         * @name machine.PhaseEvent.Action
         * @enum {number}
         * @property {number} START=0 START value
         * @property {number} STOP=1 STOP value
         */
        PhaseEvent.Action = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "START"] = 0;
            values[valuesById[1] = "STOP"] = 1;
            return values;
        })();

        return PhaseEvent;
    })();

    machine.TaskEvent = (function() {

        /**
         * Properties of a TaskEvent.
         * @typedef {Object} machine.TaskEvent.$Properties
         * @property {string|null} [task] TaskEvent task
         * @property {machine.TaskEvent.Action|null} [action] TaskEvent action
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a TaskEvent.
         * @memberof machine
         * @interface ITaskEvent
         * @augments machine.TaskEvent.$Properties
         * @deprecated Use machine.TaskEvent.$Properties instead.
         */

        /**
         * Shape of a TaskEvent.
         * @typedef {machine.TaskEvent.$Properties} machine.TaskEvent.$Shape
         */

        /**
         * Constructs a new TaskEvent.
         * @memberof machine
         * @classdesc Represents a TaskEvent.
         * @constructor
         * @param {machine.TaskEvent.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const TaskEvent = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * TaskEvent task.
         * @member {string} task
         * @memberof machine.TaskEvent
         * @instance
         */
        TaskEvent.prototype.task = "";

        /**
         * TaskEvent action.
         * @member {machine.TaskEvent.Action} action
         * @memberof machine.TaskEvent
         * @instance
         */
        TaskEvent.prototype.action = 0;

        /**
         * Encodes the specified TaskEvent message. Does not implicitly {@link machine.TaskEvent.verify|verify} messages.
         * @function encode
         * @memberof machine.TaskEvent
         * @static
         * @param {machine.TaskEvent.$Properties} message TaskEvent message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        TaskEvent.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.task != null && $Object.hasOwnProperty.call(message, "task") && message.task !== "")
                writer.uint32(/* id 1, wireType 2 =*/10).string(message.task);
            if (message.action != null && $Object.hasOwnProperty.call(message, "action") && message.action !== 0)
                writer.uint32(/* id 2, wireType 0 =*/16).int32(message.action);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a TaskEvent message from the specified reader or buffer.
         * @function decode
         * @memberof machine.TaskEvent
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.TaskEvent & machine.TaskEvent.$Shape} TaskEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        TaskEvent.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.TaskEvent();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.task = value;
                        else
                            delete message.task;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.action = value;
                        else
                            delete message.action;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a TaskEvent message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.TaskEvent
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.TaskEvent} TaskEvent
         */
        TaskEvent.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.TaskEvent)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.TaskEvent: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.TaskEvent();
            if (object.task != null)
                if (typeof object.task !== "string" || object.task.length)
                    message.task = $String(object.task);
            if (object.action !== 0 && (typeof object.action !== "string" || $root.machine.TaskEvent.Action[object.action] !== 0))
                switch (object.action) {
                case "START":
                case 0:
                    message.action = 0;
                    break;
                case "STOP":
                case 1:
                    message.action = 1;
                    break;
                default:
                    if (typeof object.action === "number" && (object.action | 0) === object.action)
                        message.action = object.action;
                }
            return message;
        };

        /**
         * Creates a plain object from a TaskEvent message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.TaskEvent
         * @static
         * @param {machine.TaskEvent} message TaskEvent
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        TaskEvent.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults) {
                object.task = "";
                object.action = options.enums === $String ? "START" : 0;
            }
            if (message.task != null && $Object.hasOwnProperty.call(message, "task"))
                object.task = message.task;
            if (message.action != null && $Object.hasOwnProperty.call(message, "action"))
                object.action = options.enums === $String ? $root.machine.TaskEvent.Action[message.action] === $undefined ? message.action : $root.machine.TaskEvent.Action[message.action] : message.action;
            return object;
        };

        /**
         * Converts this TaskEvent to JSON.
         * @function toJSON
         * @memberof machine.TaskEvent
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        TaskEvent.prototype.toJSON = function() {
            return TaskEvent.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for TaskEvent
         * @function getTypeUrl
         * @memberof machine.TaskEvent
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        TaskEvent.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.TaskEvent";
        };

        /**
         * Action enum.
         * @name machine.TaskEvent.Action
         * @enum {number}
         * @property {number} START=0 START value
         * @property {number} STOP=1 STOP value
         */
        TaskEvent.Action = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "START"] = 0;
            values[valuesById[1] = "STOP"] = 1;
            return values;
        })();

        return TaskEvent;
    })();

    machine.ServiceHealth = (function() {

        /**
         * Properties of a ServiceHealth.
         * @typedef {Object} machine.ServiceHealth.$Properties
         * @property {boolean|null} [unknown] ServiceHealth unknown
         * @property {boolean|null} [healthy] ServiceHealth healthy
         * @property {string|null} [last_message] ServiceHealth last_message
         * @property {google.protobuf.Timestamp.$Properties|null} [last_change] ServiceHealth last_change
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a ServiceHealth.
         * @memberof machine
         * @interface IServiceHealth
         * @augments machine.ServiceHealth.$Properties
         * @deprecated Use machine.ServiceHealth.$Properties instead.
         */

        /**
         * Shape of a ServiceHealth.
         * @typedef {machine.ServiceHealth.$Properties} machine.ServiceHealth.$Shape
         */

        /**
         * Constructs a new ServiceHealth.
         * @memberof machine
         * @classdesc Represents a ServiceHealth.
         * @constructor
         * @param {machine.ServiceHealth.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const ServiceHealth = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * ServiceHealth unknown.
         * @member {boolean} unknown
         * @memberof machine.ServiceHealth
         * @instance
         */
        ServiceHealth.prototype.unknown = false;

        /**
         * ServiceHealth healthy.
         * @member {boolean} healthy
         * @memberof machine.ServiceHealth
         * @instance
         */
        ServiceHealth.prototype.healthy = false;

        /**
         * ServiceHealth last_message.
         * @member {string} last_message
         * @memberof machine.ServiceHealth
         * @instance
         */
        ServiceHealth.prototype.last_message = "";

        /**
         * ServiceHealth last_change.
         * @member {google.protobuf.Timestamp.$Properties|null|undefined} last_change
         * @memberof machine.ServiceHealth
         * @instance
         */
        ServiceHealth.prototype.last_change = null;

        /**
         * Encodes the specified ServiceHealth message. Does not implicitly {@link machine.ServiceHealth.verify|verify} messages.
         * @function encode
         * @memberof machine.ServiceHealth
         * @static
         * @param {machine.ServiceHealth.$Properties} message ServiceHealth message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        ServiceHealth.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.unknown != null && $Object.hasOwnProperty.call(message, "unknown") && message.unknown !== false)
                writer.uint32(/* id 1, wireType 0 =*/8).bool(message.unknown);
            if (message.healthy != null && $Object.hasOwnProperty.call(message, "healthy") && message.healthy !== false)
                writer.uint32(/* id 2, wireType 0 =*/16).bool(message.healthy);
            if (message.last_message != null && $Object.hasOwnProperty.call(message, "last_message") && message.last_message !== "")
                writer.uint32(/* id 3, wireType 2 =*/26).string(message.last_message);
            if (message.last_change != null && $Object.hasOwnProperty.call(message, "last_change"))
                $root.google.protobuf.Timestamp.encode(message.last_change, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a ServiceHealth message from the specified reader or buffer.
         * @function decode
         * @memberof machine.ServiceHealth
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.ServiceHealth & machine.ServiceHealth.$Shape} ServiceHealth
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        ServiceHealth.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.ServiceHealth();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.bool())
                            message.unknown = value;
                        else
                            delete message.unknown;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.bool())
                            message.healthy = value;
                        else
                            delete message.healthy;
                        continue;
                    }
                case 3: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.last_message = value;
                        else
                            delete message.last_message;
                        continue;
                    }
                case 4: {
                        if (wireType !== 2)
                            break;
                        message.last_change = $root.google.protobuf.Timestamp.decode(reader, reader.size(), $undefined, _depth + 1, message.last_change);
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a ServiceHealth message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.ServiceHealth
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.ServiceHealth} ServiceHealth
         */
        ServiceHealth.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.ServiceHealth)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.ServiceHealth: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.ServiceHealth();
            if (object.unknown != null)
                if (object.unknown)
                    message.unknown = $Boolean(object.unknown);
            if (object.healthy != null)
                if (object.healthy)
                    message.healthy = $Boolean(object.healthy);
            if (object.last_message != null)
                if (typeof object.last_message !== "string" || object.last_message.length)
                    message.last_message = $String(object.last_message);
            if (object.last_change != null) {
                if (!$util.isObject(object.last_change))
                    throw $TypeError(".machine.ServiceHealth.last_change: object expected");
                message.last_change = $root.google.protobuf.Timestamp.fromObject(object.last_change, _depth + 1);
            }
            return message;
        };

        /**
         * Creates a plain object from a ServiceHealth message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.ServiceHealth
         * @static
         * @param {machine.ServiceHealth} message ServiceHealth
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        ServiceHealth.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults) {
                object.unknown = false;
                object.healthy = false;
                object.last_message = "";
                object.last_change = null;
            }
            if (message.unknown != null && $Object.hasOwnProperty.call(message, "unknown"))
                object.unknown = message.unknown;
            if (message.healthy != null && $Object.hasOwnProperty.call(message, "healthy"))
                object.healthy = message.healthy;
            if (message.last_message != null && $Object.hasOwnProperty.call(message, "last_message"))
                object.last_message = message.last_message;
            if (message.last_change != null && $Object.hasOwnProperty.call(message, "last_change"))
                object.last_change = $root.google.protobuf.Timestamp.toObject(message.last_change, options, _depth + 1);
            return object;
        };

        /**
         * Converts this ServiceHealth to JSON.
         * @function toJSON
         * @memberof machine.ServiceHealth
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        ServiceHealth.prototype.toJSON = function() {
            return ServiceHealth.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for ServiceHealth
         * @function getTypeUrl
         * @memberof machine.ServiceHealth
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        ServiceHealth.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.ServiceHealth";
        };

        return ServiceHealth;
    })();

    machine.ServiceStateEvent = (function() {

        /**
         * Properties of a ServiceStateEvent.
         * @typedef {Object} machine.ServiceStateEvent.$Properties
         * @property {string|null} [service] ServiceStateEvent service
         * @property {machine.ServiceStateEvent.Action|null} [action] ServiceStateEvent action
         * @property {string|null} [message] ServiceStateEvent message
         * @property {machine.ServiceHealth.$Properties|null} [health] ServiceStateEvent health
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a ServiceStateEvent.
         * @memberof machine
         * @interface IServiceStateEvent
         * @augments machine.ServiceStateEvent.$Properties
         * @deprecated Use machine.ServiceStateEvent.$Properties instead.
         */

        /**
         * Shape of a ServiceStateEvent.
         * @typedef {machine.ServiceStateEvent.$Properties} machine.ServiceStateEvent.$Shape
         */

        /**
         * Constructs a new ServiceStateEvent.
         * @memberof machine
         * @classdesc Represents a ServiceStateEvent.
         * @constructor
         * @param {machine.ServiceStateEvent.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const ServiceStateEvent = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * ServiceStateEvent service.
         * @member {string} service
         * @memberof machine.ServiceStateEvent
         * @instance
         */
        ServiceStateEvent.prototype.service = "";

        /**
         * ServiceStateEvent action.
         * @member {machine.ServiceStateEvent.Action} action
         * @memberof machine.ServiceStateEvent
         * @instance
         */
        ServiceStateEvent.prototype.action = 0;

        /**
         * ServiceStateEvent message.
         * @member {string} message
         * @memberof machine.ServiceStateEvent
         * @instance
         */
        ServiceStateEvent.prototype.message = "";

        /**
         * ServiceStateEvent health.
         * @member {machine.ServiceHealth.$Properties|null|undefined} health
         * @memberof machine.ServiceStateEvent
         * @instance
         */
        ServiceStateEvent.prototype.health = null;

        /**
         * Encodes the specified ServiceStateEvent message. Does not implicitly {@link machine.ServiceStateEvent.verify|verify} messages.
         * @function encode
         * @memberof machine.ServiceStateEvent
         * @static
         * @param {machine.ServiceStateEvent.$Properties} message ServiceStateEvent message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        ServiceStateEvent.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.service != null && $Object.hasOwnProperty.call(message, "service") && message.service !== "")
                writer.uint32(/* id 1, wireType 2 =*/10).string(message.service);
            if (message.action != null && $Object.hasOwnProperty.call(message, "action") && message.action !== 0)
                writer.uint32(/* id 2, wireType 0 =*/16).int32(message.action);
            if (message.message != null && $Object.hasOwnProperty.call(message, "message") && message.message !== "")
                writer.uint32(/* id 3, wireType 2 =*/26).string(message.message);
            if (message.health != null && $Object.hasOwnProperty.call(message, "health"))
                $root.machine.ServiceHealth.encode(message.health, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a ServiceStateEvent message from the specified reader or buffer.
         * @function decode
         * @memberof machine.ServiceStateEvent
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.ServiceStateEvent & machine.ServiceStateEvent.$Shape} ServiceStateEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        ServiceStateEvent.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.ServiceStateEvent();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.service = value;
                        else
                            delete message.service;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.action = value;
                        else
                            delete message.action;
                        continue;
                    }
                case 3: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.message = value;
                        else
                            delete message.message;
                        continue;
                    }
                case 4: {
                        if (wireType !== 2)
                            break;
                        message.health = $root.machine.ServiceHealth.decode(reader, reader.size(), $undefined, _depth + 1, message.health);
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a ServiceStateEvent message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.ServiceStateEvent
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.ServiceStateEvent} ServiceStateEvent
         */
        ServiceStateEvent.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.ServiceStateEvent)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.ServiceStateEvent: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.ServiceStateEvent();
            if (object.service != null)
                if (typeof object.service !== "string" || object.service.length)
                    message.service = $String(object.service);
            if (object.action !== 0 && (typeof object.action !== "string" || $root.machine.ServiceStateEvent.Action[object.action] !== 0))
                switch (object.action) {
                case "INITIALIZED":
                case 0:
                    message.action = 0;
                    break;
                case "PREPARING":
                case 1:
                    message.action = 1;
                    break;
                case "WAITING":
                case 2:
                    message.action = 2;
                    break;
                case "RUNNING":
                case 3:
                    message.action = 3;
                    break;
                case "STOPPING":
                case 4:
                    message.action = 4;
                    break;
                case "FINISHED":
                case 5:
                    message.action = 5;
                    break;
                case "FAILED":
                case 6:
                    message.action = 6;
                    break;
                case "SKIPPED":
                case 7:
                    message.action = 7;
                    break;
                case "STARTING":
                case 8:
                    message.action = 8;
                    break;
                default:
                    if (typeof object.action === "number" && (object.action | 0) === object.action)
                        message.action = object.action;
                }
            if (object.message != null)
                if (typeof object.message !== "string" || object.message.length)
                    message.message = $String(object.message);
            if (object.health != null) {
                if (!$util.isObject(object.health))
                    throw $TypeError(".machine.ServiceStateEvent.health: object expected");
                message.health = $root.machine.ServiceHealth.fromObject(object.health, _depth + 1);
            }
            return message;
        };

        /**
         * Creates a plain object from a ServiceStateEvent message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.ServiceStateEvent
         * @static
         * @param {machine.ServiceStateEvent} message ServiceStateEvent
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        ServiceStateEvent.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults) {
                object.service = "";
                object.action = options.enums === $String ? "INITIALIZED" : 0;
                object.message = "";
                object.health = null;
            }
            if (message.service != null && $Object.hasOwnProperty.call(message, "service"))
                object.service = message.service;
            if (message.action != null && $Object.hasOwnProperty.call(message, "action"))
                object.action = options.enums === $String ? $root.machine.ServiceStateEvent.Action[message.action] === $undefined ? message.action : $root.machine.ServiceStateEvent.Action[message.action] : message.action;
            if (message.message != null && $Object.hasOwnProperty.call(message, "message"))
                object.message = message.message;
            if (message.health != null && $Object.hasOwnProperty.call(message, "health"))
                object.health = $root.machine.ServiceHealth.toObject(message.health, options, _depth + 1);
            return object;
        };

        /**
         * Converts this ServiceStateEvent to JSON.
         * @function toJSON
         * @memberof machine.ServiceStateEvent
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        ServiceStateEvent.prototype.toJSON = function() {
            return ServiceStateEvent.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for ServiceStateEvent
         * @function getTypeUrl
         * @memberof machine.ServiceStateEvent
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        ServiceStateEvent.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.ServiceStateEvent";
        };

        /**
         * Action enum.
         * @name machine.ServiceStateEvent.Action
         * @enum {number}
         * @property {number} INITIALIZED=0 INITIALIZED value
         * @property {number} PREPARING=1 PREPARING value
         * @property {number} WAITING=2 WAITING value
         * @property {number} RUNNING=3 RUNNING value
         * @property {number} STOPPING=4 STOPPING value
         * @property {number} FINISHED=5 FINISHED value
         * @property {number} FAILED=6 FAILED value
         * @property {number} SKIPPED=7 SKIPPED value
         * @property {number} STARTING=8 STARTING value
         */
        ServiceStateEvent.Action = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "INITIALIZED"] = 0;
            values[valuesById[1] = "PREPARING"] = 1;
            values[valuesById[2] = "WAITING"] = 2;
            values[valuesById[3] = "RUNNING"] = 3;
            values[valuesById[4] = "STOPPING"] = 4;
            values[valuesById[5] = "FINISHED"] = 5;
            values[valuesById[6] = "FAILED"] = 6;
            values[valuesById[7] = "SKIPPED"] = 7;
            values[valuesById[8] = "STARTING"] = 8;
            return values;
        })();

        return ServiceStateEvent;
    })();

    machine.RestartEvent = (function() {

        /**
         * Properties of a RestartEvent.
         * @typedef {Object} machine.RestartEvent.$Properties
         * @property {number|Long|null} [cmd] RestartEvent cmd
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a RestartEvent.
         * @memberof machine
         * @interface IRestartEvent
         * @augments machine.RestartEvent.$Properties
         * @deprecated Use machine.RestartEvent.$Properties instead.
         */

        /**
         * Shape of a RestartEvent.
         * @typedef {machine.RestartEvent.$Properties} machine.RestartEvent.$Shape
         */

        /**
         * Constructs a new RestartEvent.
         * @memberof machine
         * @classdesc Represents a RestartEvent.
         * @constructor
         * @param {machine.RestartEvent.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const RestartEvent = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * RestartEvent cmd.
         * @member {number|Long} cmd
         * @memberof machine.RestartEvent
         * @instance
         */
        RestartEvent.prototype.cmd = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        /**
         * Encodes the specified RestartEvent message. Does not implicitly {@link machine.RestartEvent.verify|verify} messages.
         * @function encode
         * @memberof machine.RestartEvent
         * @static
         * @param {machine.RestartEvent.$Properties} message RestartEvent message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        RestartEvent.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.cmd != null && $Object.hasOwnProperty.call(message, "cmd") && (typeof message.cmd === "object" ? message.cmd.low || message.cmd.high : message.cmd !== 0))
                writer.uint32(/* id 1, wireType 0 =*/8).int64(message.cmd);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a RestartEvent message from the specified reader or buffer.
         * @function decode
         * @memberof machine.RestartEvent
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.RestartEvent & machine.RestartEvent.$Shape} RestartEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        RestartEvent.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.RestartEvent();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                            message.cmd = value;
                        else
                            delete message.cmd;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a RestartEvent message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.RestartEvent
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.RestartEvent} RestartEvent
         */
        RestartEvent.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.RestartEvent)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.RestartEvent: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.RestartEvent();
            if (object.cmd != null)
                if (typeof object.cmd === "object" ? object.cmd.low || object.cmd.high : $Number(object.cmd) !== 0)
                    if ($util.Long)
                        message.cmd = $util.Long.fromValue(object.cmd, false);
                    else if (typeof object.cmd === "string")
                        message.cmd = $parseInt(object.cmd, 10);
                    else if (typeof object.cmd === "number")
                        message.cmd = object.cmd;
                    else if (typeof object.cmd === "object")
                        message.cmd = new $util.LongBits(object.cmd.low >>> 0, object.cmd.high >>> 0).toNumber();
            return message;
        };

        /**
         * Creates a plain object from a RestartEvent message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.RestartEvent
         * @static
         * @param {machine.RestartEvent} message RestartEvent
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        RestartEvent.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults)
                if ($util.Long) {
                    let long = new $util.Long(0, 0, false);
                    object.cmd = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                } else
                    object.cmd = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
            if (message.cmd != null && $Object.hasOwnProperty.call(message, "cmd"))
                if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                    object.cmd = typeof message.cmd === "number" ? $BigInt(message.cmd) : $util.Long.fromBits(message.cmd.low >>> 0, message.cmd.high >>> 0, false).toBigInt();
                else if (typeof message.cmd === "number")
                    object.cmd = options.longs === $String ? $String(message.cmd) : message.cmd;
                else
                    object.cmd = options.longs === $String ? $util.Long.prototype.toString.call(message.cmd) : options.longs === $Number ? new $util.LongBits(message.cmd.low >>> 0, message.cmd.high >>> 0).toNumber() : message.cmd;
            return object;
        };

        /**
         * Converts this RestartEvent to JSON.
         * @function toJSON
         * @memberof machine.RestartEvent
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        RestartEvent.prototype.toJSON = function() {
            return RestartEvent.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for RestartEvent
         * @function getTypeUrl
         * @memberof machine.RestartEvent
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        RestartEvent.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.RestartEvent";
        };

        return RestartEvent;
    })();

    machine.ConfigLoadErrorEvent = (function() {

        /**
         * Properties of a ConfigLoadErrorEvent.
         * @typedef {Object} machine.ConfigLoadErrorEvent.$Properties
         * @property {string|null} [error] ConfigLoadErrorEvent error
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a ConfigLoadErrorEvent.
         * @memberof machine
         * @interface IConfigLoadErrorEvent
         * @augments machine.ConfigLoadErrorEvent.$Properties
         * @deprecated Use machine.ConfigLoadErrorEvent.$Properties instead.
         */

        /**
         * Shape of a ConfigLoadErrorEvent.
         * @typedef {machine.ConfigLoadErrorEvent.$Properties} machine.ConfigLoadErrorEvent.$Shape
         */

        /**
         * Constructs a new ConfigLoadErrorEvent.
         * @memberof machine
         * @classdesc Represents a ConfigLoadErrorEvent.
         * @constructor
         * @param {machine.ConfigLoadErrorEvent.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const ConfigLoadErrorEvent = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * ConfigLoadErrorEvent error.
         * @member {string} error
         * @memberof machine.ConfigLoadErrorEvent
         * @instance
         */
        ConfigLoadErrorEvent.prototype.error = "";

        /**
         * Encodes the specified ConfigLoadErrorEvent message. Does not implicitly {@link machine.ConfigLoadErrorEvent.verify|verify} messages.
         * @function encode
         * @memberof machine.ConfigLoadErrorEvent
         * @static
         * @param {machine.ConfigLoadErrorEvent.$Properties} message ConfigLoadErrorEvent message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        ConfigLoadErrorEvent.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.error != null && $Object.hasOwnProperty.call(message, "error") && message.error !== "")
                writer.uint32(/* id 1, wireType 2 =*/10).string(message.error);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a ConfigLoadErrorEvent message from the specified reader or buffer.
         * @function decode
         * @memberof machine.ConfigLoadErrorEvent
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.ConfigLoadErrorEvent & machine.ConfigLoadErrorEvent.$Shape} ConfigLoadErrorEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        ConfigLoadErrorEvent.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.ConfigLoadErrorEvent();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.error = value;
                        else
                            delete message.error;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a ConfigLoadErrorEvent message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.ConfigLoadErrorEvent
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.ConfigLoadErrorEvent} ConfigLoadErrorEvent
         */
        ConfigLoadErrorEvent.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.ConfigLoadErrorEvent)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.ConfigLoadErrorEvent: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.ConfigLoadErrorEvent();
            if (object.error != null)
                if (typeof object.error !== "string" || object.error.length)
                    message.error = $String(object.error);
            return message;
        };

        /**
         * Creates a plain object from a ConfigLoadErrorEvent message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.ConfigLoadErrorEvent
         * @static
         * @param {machine.ConfigLoadErrorEvent} message ConfigLoadErrorEvent
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        ConfigLoadErrorEvent.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults)
                object.error = "";
            if (message.error != null && $Object.hasOwnProperty.call(message, "error"))
                object.error = message.error;
            return object;
        };

        /**
         * Converts this ConfigLoadErrorEvent to JSON.
         * @function toJSON
         * @memberof machine.ConfigLoadErrorEvent
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        ConfigLoadErrorEvent.prototype.toJSON = function() {
            return ConfigLoadErrorEvent.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for ConfigLoadErrorEvent
         * @function getTypeUrl
         * @memberof machine.ConfigLoadErrorEvent
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        ConfigLoadErrorEvent.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.ConfigLoadErrorEvent";
        };

        return ConfigLoadErrorEvent;
    })();

    machine.ConfigValidationErrorEvent = (function() {

        /**
         * Properties of a ConfigValidationErrorEvent.
         * @typedef {Object} machine.ConfigValidationErrorEvent.$Properties
         * @property {string|null} [error] ConfigValidationErrorEvent error
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a ConfigValidationErrorEvent.
         * @memberof machine
         * @interface IConfigValidationErrorEvent
         * @augments machine.ConfigValidationErrorEvent.$Properties
         * @deprecated Use machine.ConfigValidationErrorEvent.$Properties instead.
         */

        /**
         * Shape of a ConfigValidationErrorEvent.
         * @typedef {machine.ConfigValidationErrorEvent.$Properties} machine.ConfigValidationErrorEvent.$Shape
         */

        /**
         * Constructs a new ConfigValidationErrorEvent.
         * @memberof machine
         * @classdesc Represents a ConfigValidationErrorEvent.
         * @constructor
         * @param {machine.ConfigValidationErrorEvent.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const ConfigValidationErrorEvent = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * ConfigValidationErrorEvent error.
         * @member {string} error
         * @memberof machine.ConfigValidationErrorEvent
         * @instance
         */
        ConfigValidationErrorEvent.prototype.error = "";

        /**
         * Encodes the specified ConfigValidationErrorEvent message. Does not implicitly {@link machine.ConfigValidationErrorEvent.verify|verify} messages.
         * @function encode
         * @memberof machine.ConfigValidationErrorEvent
         * @static
         * @param {machine.ConfigValidationErrorEvent.$Properties} message ConfigValidationErrorEvent message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        ConfigValidationErrorEvent.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.error != null && $Object.hasOwnProperty.call(message, "error") && message.error !== "")
                writer.uint32(/* id 1, wireType 2 =*/10).string(message.error);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a ConfigValidationErrorEvent message from the specified reader or buffer.
         * @function decode
         * @memberof machine.ConfigValidationErrorEvent
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.ConfigValidationErrorEvent & machine.ConfigValidationErrorEvent.$Shape} ConfigValidationErrorEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        ConfigValidationErrorEvent.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.ConfigValidationErrorEvent();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.error = value;
                        else
                            delete message.error;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a ConfigValidationErrorEvent message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.ConfigValidationErrorEvent
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.ConfigValidationErrorEvent} ConfigValidationErrorEvent
         */
        ConfigValidationErrorEvent.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.ConfigValidationErrorEvent)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.ConfigValidationErrorEvent: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.ConfigValidationErrorEvent();
            if (object.error != null)
                if (typeof object.error !== "string" || object.error.length)
                    message.error = $String(object.error);
            return message;
        };

        /**
         * Creates a plain object from a ConfigValidationErrorEvent message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.ConfigValidationErrorEvent
         * @static
         * @param {machine.ConfigValidationErrorEvent} message ConfigValidationErrorEvent
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        ConfigValidationErrorEvent.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults)
                object.error = "";
            if (message.error != null && $Object.hasOwnProperty.call(message, "error"))
                object.error = message.error;
            return object;
        };

        /**
         * Converts this ConfigValidationErrorEvent to JSON.
         * @function toJSON
         * @memberof machine.ConfigValidationErrorEvent
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        ConfigValidationErrorEvent.prototype.toJSON = function() {
            return ConfigValidationErrorEvent.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for ConfigValidationErrorEvent
         * @function getTypeUrl
         * @memberof machine.ConfigValidationErrorEvent
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        ConfigValidationErrorEvent.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.ConfigValidationErrorEvent";
        };

        return ConfigValidationErrorEvent;
    })();

    machine.AddressEvent = (function() {

        /**
         * Properties of an AddressEvent.
         * @typedef {Object} machine.AddressEvent.$Properties
         * @property {string|null} [hostname] AddressEvent hostname
         * @property {Array.<string>|null} [addresses] AddressEvent addresses
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of an AddressEvent.
         * @memberof machine
         * @interface IAddressEvent
         * @augments machine.AddressEvent.$Properties
         * @deprecated Use machine.AddressEvent.$Properties instead.
         */

        /**
         * Shape of an AddressEvent.
         * @typedef {machine.AddressEvent.$Properties} machine.AddressEvent.$Shape
         */

        /**
         * Constructs a new AddressEvent.
         * @memberof machine
         * @classdesc Represents an AddressEvent.
         * @constructor
         * @param {machine.AddressEvent.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const AddressEvent = function (properties) {
            this.addresses = [];
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * AddressEvent hostname.
         * @member {string} hostname
         * @memberof machine.AddressEvent
         * @instance
         */
        AddressEvent.prototype.hostname = "";

        /**
         * AddressEvent addresses.
         * @member {Array.<string>} addresses
         * @memberof machine.AddressEvent
         * @instance
         */
        AddressEvent.prototype.addresses = $util.emptyArray;

        /**
         * Encodes the specified AddressEvent message. Does not implicitly {@link machine.AddressEvent.verify|verify} messages.
         * @function encode
         * @memberof machine.AddressEvent
         * @static
         * @param {machine.AddressEvent.$Properties} message AddressEvent message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        AddressEvent.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.hostname != null && $Object.hasOwnProperty.call(message, "hostname") && message.hostname !== "")
                writer.uint32(/* id 1, wireType 2 =*/10).string(message.hostname);
            if (message.addresses != null && message.addresses.length)
                for (let i = 0; i < message.addresses.length; ++i)
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.addresses[i]);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes an AddressEvent message from the specified reader or buffer.
         * @function decode
         * @memberof machine.AddressEvent
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.AddressEvent & machine.AddressEvent.$Shape} AddressEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        AddressEvent.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.AddressEvent();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.hostname = value;
                        else
                            delete message.hostname;
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if (!(message.addresses && message.addresses.length))
                            message.addresses = [];
                        message.addresses.push(reader.stringVerify());
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates an AddressEvent message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.AddressEvent
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.AddressEvent} AddressEvent
         */
        AddressEvent.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.AddressEvent)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.AddressEvent: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.AddressEvent();
            if (object.hostname != null)
                if (typeof object.hostname !== "string" || object.hostname.length)
                    message.hostname = $String(object.hostname);
            if (object.addresses) {
                if (!$Array.isArray(object.addresses))
                    throw $TypeError(".machine.AddressEvent.addresses: array expected");
                message.addresses = $Array(object.addresses.length);
                for (let i = 0; i < object.addresses.length; ++i)
                    message.addresses[i] = $String(object.addresses[i]);
            }
            return message;
        };

        /**
         * Creates a plain object from an AddressEvent message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.AddressEvent
         * @static
         * @param {machine.AddressEvent} message AddressEvent
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        AddressEvent.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.arrays || options.defaults)
                object.addresses = [];
            if (options.defaults)
                object.hostname = "";
            if (message.hostname != null && $Object.hasOwnProperty.call(message, "hostname"))
                object.hostname = message.hostname;
            if (message.addresses && message.addresses.length) {
                object.addresses = $Array(message.addresses.length);
                for (let j = 0; j < message.addresses.length; ++j)
                    object.addresses[j] = message.addresses[j];
            }
            return object;
        };

        /**
         * Converts this AddressEvent to JSON.
         * @function toJSON
         * @memberof machine.AddressEvent
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        AddressEvent.prototype.toJSON = function() {
            return AddressEvent.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for AddressEvent
         * @function getTypeUrl
         * @memberof machine.AddressEvent
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        AddressEvent.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.AddressEvent";
        };

        return AddressEvent;
    })();

    machine.MachineStatusEvent = (function() {

        /**
         * Properties of a MachineStatusEvent.
         * @typedef {Object} machine.MachineStatusEvent.$Properties
         * @property {machine.MachineStatusEvent.MachineStage|null} [stage] MachineStatusEvent stage
         * @property {machine.MachineStatusEvent.MachineStatus.$Properties|null} [status] MachineStatusEvent status
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a MachineStatusEvent.
         * @memberof machine
         * @interface IMachineStatusEvent
         * @augments machine.MachineStatusEvent.$Properties
         * @deprecated Use machine.MachineStatusEvent.$Properties instead.
         */

        /**
         * Shape of a MachineStatusEvent.
         * @typedef {machine.MachineStatusEvent.$Properties} machine.MachineStatusEvent.$Shape
         */

        /**
         * Constructs a new MachineStatusEvent.
         * @memberof machine
         * @classdesc Represents a MachineStatusEvent.
         * @constructor
         * @param {machine.MachineStatusEvent.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const MachineStatusEvent = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * MachineStatusEvent stage.
         * @member {machine.MachineStatusEvent.MachineStage} stage
         * @memberof machine.MachineStatusEvent
         * @instance
         */
        MachineStatusEvent.prototype.stage = 0;

        /**
         * MachineStatusEvent status.
         * @member {machine.MachineStatusEvent.MachineStatus.$Properties|null|undefined} status
         * @memberof machine.MachineStatusEvent
         * @instance
         */
        MachineStatusEvent.prototype.status = null;

        /**
         * Encodes the specified MachineStatusEvent message. Does not implicitly {@link machine.MachineStatusEvent.verify|verify} messages.
         * @function encode
         * @memberof machine.MachineStatusEvent
         * @static
         * @param {machine.MachineStatusEvent.$Properties} message MachineStatusEvent message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        MachineStatusEvent.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.stage != null && $Object.hasOwnProperty.call(message, "stage") && message.stage !== 0)
                writer.uint32(/* id 1, wireType 0 =*/8).int32(message.stage);
            if (message.status != null && $Object.hasOwnProperty.call(message, "status"))
                $root.machine.MachineStatusEvent.MachineStatus.encode(message.status, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a MachineStatusEvent message from the specified reader or buffer.
         * @function decode
         * @memberof machine.MachineStatusEvent
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.MachineStatusEvent & machine.MachineStatusEvent.$Shape} MachineStatusEvent
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        MachineStatusEvent.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.MachineStatusEvent();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.stage = value;
                        else
                            delete message.stage;
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        message.status = $root.machine.MachineStatusEvent.MachineStatus.decode(reader, reader.size(), $undefined, _depth + 1, message.status);
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a MachineStatusEvent message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.MachineStatusEvent
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.MachineStatusEvent} MachineStatusEvent
         */
        MachineStatusEvent.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.MachineStatusEvent)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.MachineStatusEvent: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.MachineStatusEvent();
            if (object.stage !== 0 && (typeof object.stage !== "string" || $root.machine.MachineStatusEvent.MachineStage[object.stage] !== 0))
                switch (object.stage) {
                case "UNKNOWN":
                case 0:
                    message.stage = 0;
                    break;
                case "BOOTING":
                case 1:
                    message.stage = 1;
                    break;
                case "INSTALLING":
                case 2:
                    message.stage = 2;
                    break;
                case "MAINTENANCE":
                case 3:
                    message.stage = 3;
                    break;
                case "RUNNING":
                case 4:
                    message.stage = 4;
                    break;
                case "REBOOTING":
                case 5:
                    message.stage = 5;
                    break;
                case "SHUTTING_DOWN":
                case 6:
                    message.stage = 6;
                    break;
                case "RESETTING":
                case 7:
                    message.stage = 7;
                    break;
                case "UPGRADING":
                case 8:
                    message.stage = 8;
                    break;
                default:
                    if (typeof object.stage === "number" && (object.stage | 0) === object.stage)
                        message.stage = object.stage;
                }
            if (object.status != null) {
                if (!$util.isObject(object.status))
                    throw $TypeError(".machine.MachineStatusEvent.status: object expected");
                message.status = $root.machine.MachineStatusEvent.MachineStatus.fromObject(object.status, _depth + 1);
            }
            return message;
        };

        /**
         * Creates a plain object from a MachineStatusEvent message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.MachineStatusEvent
         * @static
         * @param {machine.MachineStatusEvent} message MachineStatusEvent
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        MachineStatusEvent.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults) {
                object.stage = options.enums === $String ? "UNKNOWN" : 0;
                object.status = null;
            }
            if (message.stage != null && $Object.hasOwnProperty.call(message, "stage"))
                object.stage = options.enums === $String ? $root.machine.MachineStatusEvent.MachineStage[message.stage] === $undefined ? message.stage : $root.machine.MachineStatusEvent.MachineStage[message.stage] : message.stage;
            if (message.status != null && $Object.hasOwnProperty.call(message, "status"))
                object.status = $root.machine.MachineStatusEvent.MachineStatus.toObject(message.status, options, _depth + 1);
            return object;
        };

        /**
         * Converts this MachineStatusEvent to JSON.
         * @function toJSON
         * @memberof machine.MachineStatusEvent
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        MachineStatusEvent.prototype.toJSON = function() {
            return MachineStatusEvent.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for MachineStatusEvent
         * @function getTypeUrl
         * @memberof machine.MachineStatusEvent
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        MachineStatusEvent.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.MachineStatusEvent";
        };

        /**
         * MachineStage enum.
         * @name machine.MachineStatusEvent.MachineStage
         * @enum {number}
         * @property {number} UNKNOWN=0 UNKNOWN value
         * @property {number} BOOTING=1 BOOTING value
         * @property {number} INSTALLING=2 INSTALLING value
         * @property {number} MAINTENANCE=3 MAINTENANCE value
         * @property {number} RUNNING=4 RUNNING value
         * @property {number} REBOOTING=5 REBOOTING value
         * @property {number} SHUTTING_DOWN=6 SHUTTING_DOWN value
         * @property {number} RESETTING=7 RESETTING value
         * @property {number} UPGRADING=8 UPGRADING value
         */
        MachineStatusEvent.MachineStage = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "UNKNOWN"] = 0;
            values[valuesById[1] = "BOOTING"] = 1;
            values[valuesById[2] = "INSTALLING"] = 2;
            values[valuesById[3] = "MAINTENANCE"] = 3;
            values[valuesById[4] = "RUNNING"] = 4;
            values[valuesById[5] = "REBOOTING"] = 5;
            values[valuesById[6] = "SHUTTING_DOWN"] = 6;
            values[valuesById[7] = "RESETTING"] = 7;
            values[valuesById[8] = "UPGRADING"] = 8;
            return values;
        })();

        MachineStatusEvent.MachineStatus = (function() {

            /**
             * Properties of a MachineStatus.
             * @typedef {Object} machine.MachineStatusEvent.MachineStatus.$Properties
             * @property {boolean|null} [ready] MachineStatus ready
             * @property {Array.<machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties>|null} [unmet_conditions] MachineStatus unmet_conditions
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a MachineStatus.
             * @memberof machine.MachineStatusEvent
             * @interface IMachineStatus
             * @augments machine.MachineStatusEvent.MachineStatus.$Properties
             * @deprecated Use machine.MachineStatusEvent.MachineStatus.$Properties instead.
             */

            /**
             * Shape of a MachineStatus.
             * @typedef {machine.MachineStatusEvent.MachineStatus.$Properties} machine.MachineStatusEvent.MachineStatus.$Shape
             */

            /**
             * Constructs a new MachineStatus.
             * @memberof machine.MachineStatusEvent
             * @classdesc Represents a MachineStatus.
             * @constructor
             * @param {machine.MachineStatusEvent.MachineStatus.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const MachineStatus = function (properties) {
                this.unmet_conditions = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * MachineStatus ready.
             * @member {boolean} ready
             * @memberof machine.MachineStatusEvent.MachineStatus
             * @instance
             */
            MachineStatus.prototype.ready = false;

            /**
             * MachineStatus unmet_conditions.
             * @member {Array.<machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties>} unmet_conditions
             * @memberof machine.MachineStatusEvent.MachineStatus
             * @instance
             */
            MachineStatus.prototype.unmet_conditions = $util.emptyArray;

            /**
             * Encodes the specified MachineStatus message. Does not implicitly {@link machine.MachineStatusEvent.MachineStatus.verify|verify} messages.
             * @function encode
             * @memberof machine.MachineStatusEvent.MachineStatus
             * @static
             * @param {machine.MachineStatusEvent.MachineStatus.$Properties} message MachineStatus message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            MachineStatus.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.ready != null && $Object.hasOwnProperty.call(message, "ready") && message.ready !== false)
                    writer.uint32(/* id 1, wireType 0 =*/8).bool(message.ready);
                if (message.unmet_conditions != null && message.unmet_conditions.length)
                    for (let i = 0; i < message.unmet_conditions.length; ++i)
                        $root.machine.MachineStatusEvent.MachineStatus.UnmetCondition.encode(message.unmet_conditions[i], writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a MachineStatus message from the specified reader or buffer.
             * @function decode
             * @memberof machine.MachineStatusEvent.MachineStatus
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {machine.MachineStatusEvent.MachineStatus & machine.MachineStatusEvent.MachineStatus.$Shape} MachineStatus
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            MachineStatus.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.machine.MachineStatusEvent.MachineStatus();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.ready = value;
                            else
                                delete message.ready;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.unmet_conditions && message.unmet_conditions.length))
                                message.unmet_conditions = [];
                            message.unmet_conditions.push($root.machine.MachineStatusEvent.MachineStatus.UnmetCondition.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a MachineStatus message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof machine.MachineStatusEvent.MachineStatus
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {machine.MachineStatusEvent.MachineStatus} MachineStatus
             */
            MachineStatus.fromObject = function (object, _depth) {
                if (object instanceof $root.machine.MachineStatusEvent.MachineStatus)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".machine.MachineStatusEvent.MachineStatus: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.machine.MachineStatusEvent.MachineStatus();
                if (object.ready != null)
                    if (object.ready)
                        message.ready = $Boolean(object.ready);
                if (object.unmet_conditions) {
                    if (!$Array.isArray(object.unmet_conditions))
                        throw $TypeError(".machine.MachineStatusEvent.MachineStatus.unmet_conditions: array expected");
                    message.unmet_conditions = $Array(object.unmet_conditions.length);
                    for (let i = 0; i < object.unmet_conditions.length; ++i) {
                        if (!$util.isObject(object.unmet_conditions[i]))
                            throw $TypeError(".machine.MachineStatusEvent.MachineStatus.unmet_conditions: object expected");
                        message.unmet_conditions[i] = $root.machine.MachineStatusEvent.MachineStatus.UnmetCondition.fromObject(object.unmet_conditions[i], _depth + 1);
                    }
                }
                return message;
            };

            /**
             * Creates a plain object from a MachineStatus message. Also converts values to other types if specified.
             * @function toObject
             * @memberof machine.MachineStatusEvent.MachineStatus
             * @static
             * @param {machine.MachineStatusEvent.MachineStatus} message MachineStatus
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            MachineStatus.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.unmet_conditions = [];
                if (options.defaults)
                    object.ready = false;
                if (message.ready != null && $Object.hasOwnProperty.call(message, "ready"))
                    object.ready = message.ready;
                if (message.unmet_conditions && message.unmet_conditions.length) {
                    object.unmet_conditions = $Array(message.unmet_conditions.length);
                    for (let j = 0; j < message.unmet_conditions.length; ++j)
                        object.unmet_conditions[j] = $root.machine.MachineStatusEvent.MachineStatus.UnmetCondition.toObject(message.unmet_conditions[j], options, _depth + 1);
                }
                return object;
            };

            /**
             * Converts this MachineStatus to JSON.
             * @function toJSON
             * @memberof machine.MachineStatusEvent.MachineStatus
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            MachineStatus.prototype.toJSON = function() {
                return MachineStatus.toObject(this, $protobuf.util.toJSONOptions);
            };

            /**
             * Gets the type url for MachineStatus
             * @function getTypeUrl
             * @memberof machine.MachineStatusEvent.MachineStatus
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            MachineStatus.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/machine.MachineStatusEvent.MachineStatus";
            };

            MachineStatus.UnmetCondition = (function() {

                /**
                 * Properties of an UnmetCondition.
                 * @typedef {Object} machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties
                 * @property {string|null} [name] UnmetCondition name
                 * @property {string|null} [reason] UnmetCondition reason
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of an UnmetCondition.
                 * @memberof machine.MachineStatusEvent.MachineStatus
                 * @interface IUnmetCondition
                 * @augments machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties
                 * @deprecated Use machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties instead.
                 */

                /**
                 * Shape of an UnmetCondition.
                 * @typedef {machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties} machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Shape
                 */

                /**
                 * Constructs a new UnmetCondition.
                 * @memberof machine.MachineStatusEvent.MachineStatus
                 * @classdesc Represents an UnmetCondition.
                 * @constructor
                 * @param {machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const UnmetCondition = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * UnmetCondition name.
                 * @member {string} name
                 * @memberof machine.MachineStatusEvent.MachineStatus.UnmetCondition
                 * @instance
                 */
                UnmetCondition.prototype.name = "";

                /**
                 * UnmetCondition reason.
                 * @member {string} reason
                 * @memberof machine.MachineStatusEvent.MachineStatus.UnmetCondition
                 * @instance
                 */
                UnmetCondition.prototype.reason = "";

                /**
                 * Encodes the specified UnmetCondition message. Does not implicitly {@link machine.MachineStatusEvent.MachineStatus.UnmetCondition.verify|verify} messages.
                 * @function encode
                 * @memberof machine.MachineStatusEvent.MachineStatus.UnmetCondition
                 * @static
                 * @param {machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Properties} message UnmetCondition message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                UnmetCondition.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.name != null && $Object.hasOwnProperty.call(message, "name") && message.name !== "")
                        writer.uint32(/* id 1, wireType 2 =*/10).string(message.name);
                    if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== "")
                        writer.uint32(/* id 2, wireType 2 =*/18).string(message.reason);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes an UnmetCondition message from the specified reader or buffer.
                 * @function decode
                 * @memberof machine.MachineStatusEvent.MachineStatus.UnmetCondition
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {machine.MachineStatusEvent.MachineStatus.UnmetCondition & machine.MachineStatusEvent.MachineStatus.UnmetCondition.$Shape} UnmetCondition
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                UnmetCondition.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.machine.MachineStatusEvent.MachineStatus.UnmetCondition();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.name = value;
                                else
                                    delete message.name;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.reason = value;
                                else
                                    delete message.reason;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Creates an UnmetCondition message from a plain object. Also converts values to their respective internal types.
                 * @function fromObject
                 * @memberof machine.MachineStatusEvent.MachineStatus.UnmetCondition
                 * @static
                 * @param {Object.<string,*>} object Plain object
                 * @returns {machine.MachineStatusEvent.MachineStatus.UnmetCondition} UnmetCondition
                 */
                UnmetCondition.fromObject = function (object, _depth) {
                    if (object instanceof $root.machine.MachineStatusEvent.MachineStatus.UnmetCondition)
                        return object;
                    if (!$util.isObject(object))
                        throw $TypeError(".machine.MachineStatusEvent.MachineStatus.UnmetCondition: object expected");
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    let message = new $root.machine.MachineStatusEvent.MachineStatus.UnmetCondition();
                    if (object.name != null)
                        if (typeof object.name !== "string" || object.name.length)
                            message.name = $String(object.name);
                    if (object.reason != null)
                        if (typeof object.reason !== "string" || object.reason.length)
                            message.reason = $String(object.reason);
                    return message;
                };

                /**
                 * Creates a plain object from an UnmetCondition message. Also converts values to other types if specified.
                 * @function toObject
                 * @memberof machine.MachineStatusEvent.MachineStatus.UnmetCondition
                 * @static
                 * @param {machine.MachineStatusEvent.MachineStatus.UnmetCondition} message UnmetCondition
                 * @param {$protobuf.IConversionOptions} [options] Conversion options
                 * @returns {Object.<string,*>} Plain object
                 */
                UnmetCondition.toObject = function (message, options, _depth) {
                    if (!options)
                        options = {};
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    let object = {};
                    if (options.defaults) {
                        object.name = "";
                        object.reason = "";
                    }
                    if (message.name != null && $Object.hasOwnProperty.call(message, "name"))
                        object.name = message.name;
                    if (message.reason != null && $Object.hasOwnProperty.call(message, "reason"))
                        object.reason = message.reason;
                    return object;
                };

                /**
                 * Converts this UnmetCondition to JSON.
                 * @function toJSON
                 * @memberof machine.MachineStatusEvent.MachineStatus.UnmetCondition
                 * @instance
                 * @returns {Object.<string,*>} JSON object
                 */
                UnmetCondition.prototype.toJSON = function() {
                    return UnmetCondition.toObject(this, $protobuf.util.toJSONOptions);
                };

                /**
                 * Gets the type url for UnmetCondition
                 * @function getTypeUrl
                 * @memberof machine.MachineStatusEvent.MachineStatus.UnmetCondition
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                UnmetCondition.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/machine.MachineStatusEvent.MachineStatus.UnmetCondition";
                };

                return UnmetCondition;
            })();

            return MachineStatus;
        })();

        return MachineStatusEvent;
    })();

    machine.MetaWriteRequest = (function() {

        /**
         * Properties of a MetaWriteRequest.
         * @typedef {Object} machine.MetaWriteRequest.$Properties
         * @property {number|null} [key] MetaWriteRequest key
         * @property {Uint8Array|null} [value] MetaWriteRequest value
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a MetaWriteRequest.
         * @memberof machine
         * @interface IMetaWriteRequest
         * @augments machine.MetaWriteRequest.$Properties
         * @deprecated Use machine.MetaWriteRequest.$Properties instead.
         */

        /**
         * Shape of a MetaWriteRequest.
         * @typedef {machine.MetaWriteRequest.$Properties} machine.MetaWriteRequest.$Shape
         */

        /**
         * Constructs a new MetaWriteRequest.
         * @memberof machine
         * @classdesc Represents a MetaWriteRequest.
         * @constructor
         * @param {machine.MetaWriteRequest.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const MetaWriteRequest = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * MetaWriteRequest key.
         * @member {number} key
         * @memberof machine.MetaWriteRequest
         * @instance
         */
        MetaWriteRequest.prototype.key = 0;

        /**
         * MetaWriteRequest value.
         * @member {Uint8Array} value
         * @memberof machine.MetaWriteRequest
         * @instance
         */
        MetaWriteRequest.prototype.value = $util.newBuffer([]);

        /**
         * Encodes the specified MetaWriteRequest message. Does not implicitly {@link machine.MetaWriteRequest.verify|verify} messages.
         * @function encode
         * @memberof machine.MetaWriteRequest
         * @static
         * @param {machine.MetaWriteRequest.$Properties} message MetaWriteRequest message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        MetaWriteRequest.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.key != null && $Object.hasOwnProperty.call(message, "key") && message.key !== 0)
                writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.key);
            if (message.value != null && $Object.hasOwnProperty.call(message, "value") && message.value.length)
                writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.value);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a MetaWriteRequest message from the specified reader or buffer.
         * @function decode
         * @memberof machine.MetaWriteRequest
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.MetaWriteRequest & machine.MetaWriteRequest.$Shape} MetaWriteRequest
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        MetaWriteRequest.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.MetaWriteRequest();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.uint32())
                            message.key = value;
                        else
                            delete message.key;
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.value = value;
                        else
                            delete message.value;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a MetaWriteRequest message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.MetaWriteRequest
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.MetaWriteRequest} MetaWriteRequest
         */
        MetaWriteRequest.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.MetaWriteRequest)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.MetaWriteRequest: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.MetaWriteRequest();
            if (object.key != null)
                if ($Number(object.key) !== 0)
                    message.key = object.key >>> 0;
            if (object.value != null)
                if (object.value.length)
                    if (typeof object.value === "string")
                        $util.base64.decode(object.value, message.value = $util.newBuffer($util.base64.length(object.value)), 0);
                    else if (object.value.length >= 0)
                        message.value = object.value;
            return message;
        };

        /**
         * Creates a plain object from a MetaWriteRequest message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.MetaWriteRequest
         * @static
         * @param {machine.MetaWriteRequest} message MetaWriteRequest
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        MetaWriteRequest.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults) {
                object.key = 0;
                if (options.bytes === $String)
                    object.value = "";
                else {
                    object.value = [];
                    if (options.bytes !== $Array)
                        object.value = $util.newBuffer(object.value);
                }
            }
            if (message.key != null && $Object.hasOwnProperty.call(message, "key"))
                object.key = message.key;
            if (message.value != null && $Object.hasOwnProperty.call(message, "value"))
                object.value = options.bytes === $String ? $util.base64.encode(message.value, 0, message.value.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.value) : message.value;
            return object;
        };

        /**
         * Converts this MetaWriteRequest to JSON.
         * @function toJSON
         * @memberof machine.MetaWriteRequest
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        MetaWriteRequest.prototype.toJSON = function() {
            return MetaWriteRequest.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for MetaWriteRequest
         * @function getTypeUrl
         * @memberof machine.MetaWriteRequest
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        MetaWriteRequest.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.MetaWriteRequest";
        };

        return MetaWriteRequest;
    })();

    machine.MetaWrite = (function() {

        /**
         * Properties of a MetaWrite.
         * @typedef {Object} machine.MetaWrite.$Properties
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a MetaWrite.
         * @memberof machine
         * @interface IMetaWrite
         * @augments machine.MetaWrite.$Properties
         * @deprecated Use machine.MetaWrite.$Properties instead.
         */

        /**
         * Shape of a MetaWrite.
         * @typedef {machine.MetaWrite.$Properties} machine.MetaWrite.$Shape
         */

        /**
         * Constructs a new MetaWrite.
         * @memberof machine
         * @classdesc Represents a MetaWrite.
         * @constructor
         * @param {machine.MetaWrite.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const MetaWrite = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Encodes the specified MetaWrite message. Does not implicitly {@link machine.MetaWrite.verify|verify} messages.
         * @function encode
         * @memberof machine.MetaWrite
         * @static
         * @param {machine.MetaWrite.$Properties} message MetaWrite message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        MetaWrite.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a MetaWrite message from the specified reader or buffer.
         * @function decode
         * @memberof machine.MetaWrite
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.MetaWrite & machine.MetaWrite.$Shape} MetaWrite
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        MetaWrite.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.MetaWrite();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                reader.skipType(tag & 7, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a MetaWrite message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.MetaWrite
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.MetaWrite} MetaWrite
         */
        MetaWrite.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.MetaWrite)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.MetaWrite: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            return new $root.machine.MetaWrite();
        };

        /**
         * Creates a plain object from a MetaWrite message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.MetaWrite
         * @static
         * @param {machine.MetaWrite} message MetaWrite
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        MetaWrite.toObject = function () {
            return {};
        };

        /**
         * Converts this MetaWrite to JSON.
         * @function toJSON
         * @memberof machine.MetaWrite
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        MetaWrite.prototype.toJSON = function() {
            return MetaWrite.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for MetaWrite
         * @function getTypeUrl
         * @memberof machine.MetaWrite
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        MetaWrite.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.MetaWrite";
        };

        return MetaWrite;
    })();

    machine.MetaWriteResponse = (function() {

        /**
         * Properties of a MetaWriteResponse.
         * @typedef {Object} machine.MetaWriteResponse.$Properties
         * @property {Array.<machine.MetaWrite.$Properties>|null} [messages] MetaWriteResponse messages
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a MetaWriteResponse.
         * @memberof machine
         * @interface IMetaWriteResponse
         * @augments machine.MetaWriteResponse.$Properties
         * @deprecated Use machine.MetaWriteResponse.$Properties instead.
         */

        /**
         * Shape of a MetaWriteResponse.
         * @typedef {machine.MetaWriteResponse.$Properties} machine.MetaWriteResponse.$Shape
         */

        /**
         * Constructs a new MetaWriteResponse.
         * @memberof machine
         * @classdesc Represents a MetaWriteResponse.
         * @constructor
         * @param {machine.MetaWriteResponse.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const MetaWriteResponse = function (properties) {
            this.messages = [];
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * MetaWriteResponse messages.
         * @member {Array.<machine.MetaWrite.$Properties>} messages
         * @memberof machine.MetaWriteResponse
         * @instance
         */
        MetaWriteResponse.prototype.messages = $util.emptyArray;

        /**
         * Encodes the specified MetaWriteResponse message. Does not implicitly {@link machine.MetaWriteResponse.verify|verify} messages.
         * @function encode
         * @memberof machine.MetaWriteResponse
         * @static
         * @param {machine.MetaWriteResponse.$Properties} message MetaWriteResponse message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        MetaWriteResponse.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.messages != null && message.messages.length)
                for (let i = 0; i < message.messages.length; ++i)
                    $root.machine.MetaWrite.encode(message.messages[i], writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a MetaWriteResponse message from the specified reader or buffer.
         * @function decode
         * @memberof machine.MetaWriteResponse
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.MetaWriteResponse & machine.MetaWriteResponse.$Shape} MetaWriteResponse
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        MetaWriteResponse.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.MetaWriteResponse();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if (!(message.messages && message.messages.length))
                            message.messages = [];
                        message.messages.push($root.machine.MetaWrite.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a MetaWriteResponse message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.MetaWriteResponse
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.MetaWriteResponse} MetaWriteResponse
         */
        MetaWriteResponse.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.MetaWriteResponse)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.MetaWriteResponse: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.MetaWriteResponse();
            if (object.messages) {
                if (!$Array.isArray(object.messages))
                    throw $TypeError(".machine.MetaWriteResponse.messages: array expected");
                message.messages = $Array(object.messages.length);
                for (let i = 0; i < object.messages.length; ++i) {
                    if (!$util.isObject(object.messages[i]))
                        throw $TypeError(".machine.MetaWriteResponse.messages: object expected");
                    message.messages[i] = $root.machine.MetaWrite.fromObject(object.messages[i], _depth + 1);
                }
            }
            return message;
        };

        /**
         * Creates a plain object from a MetaWriteResponse message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.MetaWriteResponse
         * @static
         * @param {machine.MetaWriteResponse} message MetaWriteResponse
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        MetaWriteResponse.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.arrays || options.defaults)
                object.messages = [];
            if (message.messages && message.messages.length) {
                object.messages = $Array(message.messages.length);
                for (let j = 0; j < message.messages.length; ++j)
                    object.messages[j] = $root.machine.MetaWrite.toObject(message.messages[j], options, _depth + 1);
            }
            return object;
        };

        /**
         * Converts this MetaWriteResponse to JSON.
         * @function toJSON
         * @memberof machine.MetaWriteResponse
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        MetaWriteResponse.prototype.toJSON = function() {
            return MetaWriteResponse.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for MetaWriteResponse
         * @function getTypeUrl
         * @memberof machine.MetaWriteResponse
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        MetaWriteResponse.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.MetaWriteResponse";
        };

        return MetaWriteResponse;
    })();

    machine.MetaDeleteRequest = (function() {

        /**
         * Properties of a MetaDeleteRequest.
         * @typedef {Object} machine.MetaDeleteRequest.$Properties
         * @property {number|null} [key] MetaDeleteRequest key
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a MetaDeleteRequest.
         * @memberof machine
         * @interface IMetaDeleteRequest
         * @augments machine.MetaDeleteRequest.$Properties
         * @deprecated Use machine.MetaDeleteRequest.$Properties instead.
         */

        /**
         * Shape of a MetaDeleteRequest.
         * @typedef {machine.MetaDeleteRequest.$Properties} machine.MetaDeleteRequest.$Shape
         */

        /**
         * Constructs a new MetaDeleteRequest.
         * @memberof machine
         * @classdesc Represents a MetaDeleteRequest.
         * @constructor
         * @param {machine.MetaDeleteRequest.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const MetaDeleteRequest = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * MetaDeleteRequest key.
         * @member {number} key
         * @memberof machine.MetaDeleteRequest
         * @instance
         */
        MetaDeleteRequest.prototype.key = 0;

        /**
         * Encodes the specified MetaDeleteRequest message. Does not implicitly {@link machine.MetaDeleteRequest.verify|verify} messages.
         * @function encode
         * @memberof machine.MetaDeleteRequest
         * @static
         * @param {machine.MetaDeleteRequest.$Properties} message MetaDeleteRequest message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        MetaDeleteRequest.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.key != null && $Object.hasOwnProperty.call(message, "key") && message.key !== 0)
                writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.key);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a MetaDeleteRequest message from the specified reader or buffer.
         * @function decode
         * @memberof machine.MetaDeleteRequest
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.MetaDeleteRequest & machine.MetaDeleteRequest.$Shape} MetaDeleteRequest
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        MetaDeleteRequest.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.MetaDeleteRequest();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.uint32())
                            message.key = value;
                        else
                            delete message.key;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a MetaDeleteRequest message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.MetaDeleteRequest
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.MetaDeleteRequest} MetaDeleteRequest
         */
        MetaDeleteRequest.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.MetaDeleteRequest)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.MetaDeleteRequest: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.MetaDeleteRequest();
            if (object.key != null)
                if ($Number(object.key) !== 0)
                    message.key = object.key >>> 0;
            return message;
        };

        /**
         * Creates a plain object from a MetaDeleteRequest message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.MetaDeleteRequest
         * @static
         * @param {machine.MetaDeleteRequest} message MetaDeleteRequest
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        MetaDeleteRequest.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults)
                object.key = 0;
            if (message.key != null && $Object.hasOwnProperty.call(message, "key"))
                object.key = message.key;
            return object;
        };

        /**
         * Converts this MetaDeleteRequest to JSON.
         * @function toJSON
         * @memberof machine.MetaDeleteRequest
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        MetaDeleteRequest.prototype.toJSON = function() {
            return MetaDeleteRequest.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for MetaDeleteRequest
         * @function getTypeUrl
         * @memberof machine.MetaDeleteRequest
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        MetaDeleteRequest.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.MetaDeleteRequest";
        };

        return MetaDeleteRequest;
    })();

    machine.MetaDelete = (function() {

        /**
         * Properties of a MetaDelete.
         * @typedef {Object} machine.MetaDelete.$Properties
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a MetaDelete.
         * @memberof machine
         * @interface IMetaDelete
         * @augments machine.MetaDelete.$Properties
         * @deprecated Use machine.MetaDelete.$Properties instead.
         */

        /**
         * Shape of a MetaDelete.
         * @typedef {machine.MetaDelete.$Properties} machine.MetaDelete.$Shape
         */

        /**
         * Constructs a new MetaDelete.
         * @memberof machine
         * @classdesc Represents a MetaDelete.
         * @constructor
         * @param {machine.MetaDelete.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const MetaDelete = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Encodes the specified MetaDelete message. Does not implicitly {@link machine.MetaDelete.verify|verify} messages.
         * @function encode
         * @memberof machine.MetaDelete
         * @static
         * @param {machine.MetaDelete.$Properties} message MetaDelete message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        MetaDelete.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a MetaDelete message from the specified reader or buffer.
         * @function decode
         * @memberof machine.MetaDelete
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.MetaDelete & machine.MetaDelete.$Shape} MetaDelete
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        MetaDelete.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.MetaDelete();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                reader.skipType(tag & 7, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a MetaDelete message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.MetaDelete
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.MetaDelete} MetaDelete
         */
        MetaDelete.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.MetaDelete)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.MetaDelete: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            return new $root.machine.MetaDelete();
        };

        /**
         * Creates a plain object from a MetaDelete message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.MetaDelete
         * @static
         * @param {machine.MetaDelete} message MetaDelete
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        MetaDelete.toObject = function () {
            return {};
        };

        /**
         * Converts this MetaDelete to JSON.
         * @function toJSON
         * @memberof machine.MetaDelete
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        MetaDelete.prototype.toJSON = function() {
            return MetaDelete.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for MetaDelete
         * @function getTypeUrl
         * @memberof machine.MetaDelete
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        MetaDelete.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.MetaDelete";
        };

        return MetaDelete;
    })();

    machine.MetaDeleteResponse = (function() {

        /**
         * Properties of a MetaDeleteResponse.
         * @typedef {Object} machine.MetaDeleteResponse.$Properties
         * @property {Array.<machine.MetaDelete.$Properties>|null} [messages] MetaDeleteResponse messages
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a MetaDeleteResponse.
         * @memberof machine
         * @interface IMetaDeleteResponse
         * @augments machine.MetaDeleteResponse.$Properties
         * @deprecated Use machine.MetaDeleteResponse.$Properties instead.
         */

        /**
         * Shape of a MetaDeleteResponse.
         * @typedef {machine.MetaDeleteResponse.$Properties} machine.MetaDeleteResponse.$Shape
         */

        /**
         * Constructs a new MetaDeleteResponse.
         * @memberof machine
         * @classdesc Represents a MetaDeleteResponse.
         * @constructor
         * @param {machine.MetaDeleteResponse.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const MetaDeleteResponse = function (properties) {
            this.messages = [];
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * MetaDeleteResponse messages.
         * @member {Array.<machine.MetaDelete.$Properties>} messages
         * @memberof machine.MetaDeleteResponse
         * @instance
         */
        MetaDeleteResponse.prototype.messages = $util.emptyArray;

        /**
         * Encodes the specified MetaDeleteResponse message. Does not implicitly {@link machine.MetaDeleteResponse.verify|verify} messages.
         * @function encode
         * @memberof machine.MetaDeleteResponse
         * @static
         * @param {machine.MetaDeleteResponse.$Properties} message MetaDeleteResponse message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        MetaDeleteResponse.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.messages != null && message.messages.length)
                for (let i = 0; i < message.messages.length; ++i)
                    $root.machine.MetaDelete.encode(message.messages[i], writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a MetaDeleteResponse message from the specified reader or buffer.
         * @function decode
         * @memberof machine.MetaDeleteResponse
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.MetaDeleteResponse & machine.MetaDeleteResponse.$Shape} MetaDeleteResponse
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        MetaDeleteResponse.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.MetaDeleteResponse();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if (!(message.messages && message.messages.length))
                            message.messages = [];
                        message.messages.push($root.machine.MetaDelete.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a MetaDeleteResponse message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.MetaDeleteResponse
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.MetaDeleteResponse} MetaDeleteResponse
         */
        MetaDeleteResponse.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.MetaDeleteResponse)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.MetaDeleteResponse: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.MetaDeleteResponse();
            if (object.messages) {
                if (!$Array.isArray(object.messages))
                    throw $TypeError(".machine.MetaDeleteResponse.messages: array expected");
                message.messages = $Array(object.messages.length);
                for (let i = 0; i < object.messages.length; ++i) {
                    if (!$util.isObject(object.messages[i]))
                        throw $TypeError(".machine.MetaDeleteResponse.messages: object expected");
                    message.messages[i] = $root.machine.MetaDelete.fromObject(object.messages[i], _depth + 1);
                }
            }
            return message;
        };

        /**
         * Creates a plain object from a MetaDeleteResponse message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.MetaDeleteResponse
         * @static
         * @param {machine.MetaDeleteResponse} message MetaDeleteResponse
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        MetaDeleteResponse.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.arrays || options.defaults)
                object.messages = [];
            if (message.messages && message.messages.length) {
                object.messages = $Array(message.messages.length);
                for (let j = 0; j < message.messages.length; ++j)
                    object.messages[j] = $root.machine.MetaDelete.toObject(message.messages[j], options, _depth + 1);
            }
            return object;
        };

        /**
         * Converts this MetaDeleteResponse to JSON.
         * @function toJSON
         * @memberof machine.MetaDeleteResponse
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        MetaDeleteResponse.prototype.toJSON = function() {
            return MetaDeleteResponse.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for MetaDeleteResponse
         * @function getTypeUrl
         * @memberof machine.MetaDeleteResponse
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        MetaDeleteResponse.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.MetaDeleteResponse";
        };

        return MetaDeleteResponse;
    })();

    machine.VersionInfo = (function() {

        /**
         * Properties of a VersionInfo.
         * @typedef {Object} machine.VersionInfo.$Properties
         * @property {string|null} [tag] VersionInfo tag
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a VersionInfo.
         * @memberof machine
         * @interface IVersionInfo
         * @augments machine.VersionInfo.$Properties
         * @deprecated Use machine.VersionInfo.$Properties instead.
         */

        /**
         * Shape of a VersionInfo.
         * @typedef {machine.VersionInfo.$Properties} machine.VersionInfo.$Shape
         */

        /**
         * Constructs a new VersionInfo.
         * @memberof machine
         * @classdesc Represents a VersionInfo.
         * @constructor
         * @param {machine.VersionInfo.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const VersionInfo = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * VersionInfo tag.
         * @member {string} tag
         * @memberof machine.VersionInfo
         * @instance
         */
        VersionInfo.prototype.tag = "";

        /**
         * Encodes the specified VersionInfo message. Does not implicitly {@link machine.VersionInfo.verify|verify} messages.
         * @function encode
         * @memberof machine.VersionInfo
         * @static
         * @param {machine.VersionInfo.$Properties} message VersionInfo message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        VersionInfo.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.tag != null && $Object.hasOwnProperty.call(message, "tag") && message.tag !== "")
                writer.uint32(/* id 1, wireType 2 =*/10).string(message.tag);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a VersionInfo message from the specified reader or buffer.
         * @function decode
         * @memberof machine.VersionInfo
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.VersionInfo & machine.VersionInfo.$Shape} VersionInfo
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        VersionInfo.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.VersionInfo();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.tag = value;
                        else
                            delete message.tag;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a VersionInfo message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.VersionInfo
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.VersionInfo} VersionInfo
         */
        VersionInfo.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.VersionInfo)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.VersionInfo: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.VersionInfo();
            if (object.tag != null)
                if (typeof object.tag !== "string" || object.tag.length)
                    message.tag = $String(object.tag);
            return message;
        };

        /**
         * Creates a plain object from a VersionInfo message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.VersionInfo
         * @static
         * @param {machine.VersionInfo} message VersionInfo
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        VersionInfo.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults)
                object.tag = "";
            if (message.tag != null && $Object.hasOwnProperty.call(message, "tag"))
                object.tag = message.tag;
            return object;
        };

        /**
         * Converts this VersionInfo to JSON.
         * @function toJSON
         * @memberof machine.VersionInfo
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        VersionInfo.prototype.toJSON = function() {
            return VersionInfo.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for VersionInfo
         * @function getTypeUrl
         * @memberof machine.VersionInfo
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        VersionInfo.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.VersionInfo";
        };

        return VersionInfo;
    })();

    machine.Version = (function() {

        /**
         * Properties of a Version.
         * @typedef {Object} machine.Version.$Properties
         * @property {machine.VersionInfo.$Properties|null} [version] Version version
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a Version.
         * @memberof machine
         * @interface IVersion
         * @augments machine.Version.$Properties
         * @deprecated Use machine.Version.$Properties instead.
         */

        /**
         * Shape of a Version.
         * @typedef {machine.Version.$Properties} machine.Version.$Shape
         */

        /**
         * Constructs a new Version.
         * @memberof machine
         * @classdesc Represents a Version.
         * @constructor
         * @param {machine.Version.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Version = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Version version.
         * @member {machine.VersionInfo.$Properties|null|undefined} version
         * @memberof machine.Version
         * @instance
         */
        Version.prototype.version = null;

        /**
         * Encodes the specified Version message. Does not implicitly {@link machine.Version.verify|verify} messages.
         * @function encode
         * @memberof machine.Version
         * @static
         * @param {machine.Version.$Properties} message Version message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Version.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.version != null && $Object.hasOwnProperty.call(message, "version"))
                $root.machine.VersionInfo.encode(message.version, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a Version message from the specified reader or buffer.
         * @function decode
         * @memberof machine.Version
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.Version & machine.Version.$Shape} Version
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Version.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.Version();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 2: {
                        if (wireType !== 2)
                            break;
                        message.version = $root.machine.VersionInfo.decode(reader, reader.size(), $undefined, _depth + 1, message.version);
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a Version message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.Version
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.Version} Version
         */
        Version.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.Version)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.Version: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.Version();
            if (object.version != null) {
                if (!$util.isObject(object.version))
                    throw $TypeError(".machine.Version.version: object expected");
                message.version = $root.machine.VersionInfo.fromObject(object.version, _depth + 1);
            }
            return message;
        };

        /**
         * Creates a plain object from a Version message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.Version
         * @static
         * @param {machine.Version} message Version
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        Version.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults)
                object.version = null;
            if (message.version != null && $Object.hasOwnProperty.call(message, "version"))
                object.version = $root.machine.VersionInfo.toObject(message.version, options, _depth + 1);
            return object;
        };

        /**
         * Converts this Version to JSON.
         * @function toJSON
         * @memberof machine.Version
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        Version.prototype.toJSON = function() {
            return Version.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for Version
         * @function getTypeUrl
         * @memberof machine.Version
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        Version.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.Version";
        };

        return Version;
    })();

    machine.VersionResponse = (function() {

        /**
         * Properties of a VersionResponse.
         * @typedef {Object} machine.VersionResponse.$Properties
         * @property {Array.<machine.Version.$Properties>|null} [messages] VersionResponse messages
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a VersionResponse.
         * @memberof machine
         * @interface IVersionResponse
         * @augments machine.VersionResponse.$Properties
         * @deprecated Use machine.VersionResponse.$Properties instead.
         */

        /**
         * Shape of a VersionResponse.
         * @typedef {machine.VersionResponse.$Properties} machine.VersionResponse.$Shape
         */

        /**
         * Constructs a new VersionResponse.
         * @memberof machine
         * @classdesc Represents a VersionResponse.
         * @constructor
         * @param {machine.VersionResponse.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const VersionResponse = function (properties) {
            this.messages = [];
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * VersionResponse messages.
         * @member {Array.<machine.Version.$Properties>} messages
         * @memberof machine.VersionResponse
         * @instance
         */
        VersionResponse.prototype.messages = $util.emptyArray;

        /**
         * Encodes the specified VersionResponse message. Does not implicitly {@link machine.VersionResponse.verify|verify} messages.
         * @function encode
         * @memberof machine.VersionResponse
         * @static
         * @param {machine.VersionResponse.$Properties} message VersionResponse message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        VersionResponse.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.messages != null && message.messages.length)
                for (let i = 0; i < message.messages.length; ++i)
                    $root.machine.Version.encode(message.messages[i], writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a VersionResponse message from the specified reader or buffer.
         * @function decode
         * @memberof machine.VersionResponse
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {machine.VersionResponse & machine.VersionResponse.$Shape} VersionResponse
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        VersionResponse.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.machine.VersionResponse();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if (!(message.messages && message.messages.length))
                            message.messages = [];
                        message.messages.push($root.machine.Version.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates a VersionResponse message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof machine.VersionResponse
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {machine.VersionResponse} VersionResponse
         */
        VersionResponse.fromObject = function (object, _depth) {
            if (object instanceof $root.machine.VersionResponse)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".machine.VersionResponse: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.machine.VersionResponse();
            if (object.messages) {
                if (!$Array.isArray(object.messages))
                    throw $TypeError(".machine.VersionResponse.messages: array expected");
                message.messages = $Array(object.messages.length);
                for (let i = 0; i < object.messages.length; ++i) {
                    if (!$util.isObject(object.messages[i]))
                        throw $TypeError(".machine.VersionResponse.messages: object expected");
                    message.messages[i] = $root.machine.Version.fromObject(object.messages[i], _depth + 1);
                }
            }
            return message;
        };

        /**
         * Creates a plain object from a VersionResponse message. Also converts values to other types if specified.
         * @function toObject
         * @memberof machine.VersionResponse
         * @static
         * @param {machine.VersionResponse} message VersionResponse
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        VersionResponse.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.arrays || options.defaults)
                object.messages = [];
            if (message.messages && message.messages.length) {
                object.messages = $Array(message.messages.length);
                for (let j = 0; j < message.messages.length; ++j)
                    object.messages[j] = $root.machine.Version.toObject(message.messages[j], options, _depth + 1);
            }
            return object;
        };

        /**
         * Converts this VersionResponse to JSON.
         * @function toJSON
         * @memberof machine.VersionResponse
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        VersionResponse.prototype.toJSON = function() {
            return VersionResponse.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for VersionResponse
         * @function getTypeUrl
         * @memberof machine.VersionResponse
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        VersionResponse.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/machine.VersionResponse";
        };

        return VersionResponse;
    })();

    return machine;
})();

export const common = $root.common = (() => {

    /**
     * Namespace common.
     * @exports common
     * @namespace
     */
    const common = {};

    /**
     * Code enum.
     * @name common.Code
     * @enum {number}
     * @property {number} FATAL=0 FATAL value
     * @property {number} LOCKED=1 LOCKED value
     * @property {number} CANCELED=2 CANCELED value
     */
    common.Code = (function() {
        const valuesById = $Object.create(null), values = $Object.create(valuesById);
        values[valuesById[0] = "FATAL"] = 0;
        values[valuesById[1] = "LOCKED"] = 1;
        values[valuesById[2] = "CANCELED"] = 2;
        return values;
    })();

    common.Error = (function() {

        /**
         * Properties of an Error.
         * @typedef {Object} common.Error.$Properties
         * @property {common.Code|null} [code] Error code
         * @property {string|null} [message] Error message
         * @property {Array.<google.protobuf.Any.$Properties>|null} [details] Error details
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of an Error.
         * @memberof common
         * @interface IError
         * @augments common.Error.$Properties
         * @deprecated Use common.Error.$Properties instead.
         */

        /**
         * Shape of an Error.
         * @typedef {common.Error.$Properties} common.Error.$Shape
         */

        /**
         * Constructs a new Error.
         * @memberof common
         * @classdesc Represents an Error.
         * @constructor
         * @param {common.Error.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Error = function (properties) {
            this.details = [];
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Error code.
         * @member {common.Code} code
         * @memberof common.Error
         * @instance
         */
        Error.prototype.code = 0;

        /**
         * Error message.
         * @member {string} message
         * @memberof common.Error
         * @instance
         */
        Error.prototype.message = "";

        /**
         * Error details.
         * @member {Array.<google.protobuf.Any.$Properties>} details
         * @memberof common.Error
         * @instance
         */
        Error.prototype.details = $util.emptyArray;

        /**
         * Encodes the specified Error message. Does not implicitly {@link common.Error.verify|verify} messages.
         * @function encode
         * @memberof common.Error
         * @static
         * @param {common.Error.$Properties} message Error message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Error.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.code != null && $Object.hasOwnProperty.call(message, "code") && message.code !== 0)
                writer.uint32(/* id 1, wireType 0 =*/8).int32(message.code);
            if (message.message != null && $Object.hasOwnProperty.call(message, "message") && message.message !== "")
                writer.uint32(/* id 2, wireType 2 =*/18).string(message.message);
            if (message.details != null && message.details.length)
                for (let i = 0; i < message.details.length; ++i)
                    $root.google.protobuf.Any.encode(message.details[i], writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes an Error message from the specified reader or buffer.
         * @function decode
         * @memberof common.Error
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {common.Error & common.Error.$Shape} Error
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Error.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.common.Error();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.code = value;
                        else
                            delete message.code;
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.message = value;
                        else
                            delete message.message;
                        continue;
                    }
                case 3: {
                        if (wireType !== 2)
                            break;
                        if (!(message.details && message.details.length))
                            message.details = [];
                        message.details.push($root.google.protobuf.Any.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Creates an Error message from a plain object. Also converts values to their respective internal types.
         * @function fromObject
         * @memberof common.Error
         * @static
         * @param {Object.<string,*>} object Plain object
         * @returns {common.Error} Error
         */
        Error.fromObject = function (object, _depth) {
            if (object instanceof $root.common.Error)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".common.Error: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.common.Error();
            if (object.code !== 0 && (typeof object.code !== "string" || $root.common.Code[object.code] !== 0))
                switch (object.code) {
                case "FATAL":
                case 0:
                    message.code = 0;
                    break;
                case "LOCKED":
                case 1:
                    message.code = 1;
                    break;
                case "CANCELED":
                case 2:
                    message.code = 2;
                    break;
                default:
                    if (typeof object.code === "number" && (object.code | 0) === object.code)
                        message.code = object.code;
                }
            if (object.message != null)
                if (typeof object.message !== "string" || object.message.length)
                    message.message = $String(object.message);
            if (object.details) {
                if (!$Array.isArray(object.details))
                    throw $TypeError(".common.Error.details: array expected");
                message.details = $Array(object.details.length);
                for (let i = 0; i < object.details.length; ++i) {
                    if (!$util.isObject(object.details[i]))
                        throw $TypeError(".common.Error.details: object expected");
                    message.details[i] = $root.google.protobuf.Any.fromObject(object.details[i], _depth + 1);
                }
            }
            return message;
        };

        /**
         * Creates a plain object from an Error message. Also converts values to other types if specified.
         * @function toObject
         * @memberof common.Error
         * @static
         * @param {common.Error} message Error
         * @param {$protobuf.IConversionOptions} [options] Conversion options
         * @returns {Object.<string,*>} Plain object
         */
        Error.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.arrays || options.defaults)
                object.details = [];
            if (options.defaults) {
                object.code = options.enums === $String ? "FATAL" : 0;
                object.message = "";
            }
            if (message.code != null && $Object.hasOwnProperty.call(message, "code"))
                object.code = options.enums === $String ? $root.common.Code[message.code] === $undefined ? message.code : $root.common.Code[message.code] : message.code;
            if (message.message != null && $Object.hasOwnProperty.call(message, "message"))
                object.message = message.message;
            if (message.details && message.details.length) {
                object.details = $Array(message.details.length);
                for (let j = 0; j < message.details.length; ++j)
                    object.details[j] = $root.google.protobuf.Any.toObject(message.details[j], options, _depth + 1);
            }
            return object;
        };

        /**
         * Converts this Error to JSON.
         * @function toJSON
         * @memberof common.Error
         * @instance
         * @returns {Object.<string,*>} JSON object
         */
        Error.prototype.toJSON = function() {
            return Error.toObject(this, $protobuf.util.toJSONOptions);
        };

        /**
         * Gets the type url for Error
         * @function getTypeUrl
         * @memberof common.Error
         * @static
         * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
         * @returns {string} The type url
         */
        Error.getTypeUrl = function(prefix) {
            if (prefix === $undefined)
                prefix = "type.googleapis.com";
            return prefix + "/common.Error";
        };

        return Error;
    })();

    return common;
})();

export const google = $root.google = (() => {

    /**
     * Namespace google.
     * @exports google
     * @namespace
     */
    const google = {};

    google.protobuf = (function() {

        /**
         * Namespace protobuf.
         * @memberof google
         * @namespace
         */
        const protobuf = {};

        protobuf.Any = (function() {

            /**
             * Properties of an Any.
             * @typedef {Object} google.protobuf.Any.$Properties
             * @property {string|null} [type_url] Any type_url
             * @property {Uint8Array|null} [value] Any value
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an Any.
             * @memberof google.protobuf
             * @interface IAny
             * @augments google.protobuf.Any.$Properties
             * @deprecated Use google.protobuf.Any.$Properties instead.
             */

            /**
             * Shape of an Any.
             * @typedef {google.protobuf.Any.$Properties} google.protobuf.Any.$Shape
             */

            /**
             * Constructs a new Any.
             * @memberof google.protobuf
             * @classdesc Represents an Any.
             * @constructor
             * @param {google.protobuf.Any.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Any = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Any type_url.
             * @member {string} type_url
             * @memberof google.protobuf.Any
             * @instance
             */
            Any.prototype.type_url = "";

            /**
             * Any value.
             * @member {Uint8Array} value
             * @memberof google.protobuf.Any
             * @instance
             */
            Any.prototype.value = $util.newBuffer([]);

            /**
             * Encodes the specified Any message. Does not implicitly {@link google.protobuf.Any.verify|verify} messages.
             * @function encode
             * @memberof google.protobuf.Any
             * @static
             * @param {google.protobuf.Any.$Properties} message Any message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Any.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.type_url != null && $Object.hasOwnProperty.call(message, "type_url") && message.type_url !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.type_url);
                if (message.value != null && $Object.hasOwnProperty.call(message, "value") && message.value.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.value);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an Any message from the specified reader or buffer.
             * @function decode
             * @memberof google.protobuf.Any
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {google.protobuf.Any & google.protobuf.Any.$Shape} Any
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Any.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.google.protobuf.Any();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.type_url = value;
                            else
                                delete message.type_url;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.value = value;
                            else
                                delete message.value;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates an Any message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof google.protobuf.Any
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {google.protobuf.Any} Any
             */
            Any.fromObject = function (object, _depth) {
                if (object instanceof $root.google.protobuf.Any)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".google.protobuf.Any: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.google.protobuf.Any();
                if (object.type_url != null)
                    if (typeof object.type_url !== "string" || object.type_url.length)
                        message.type_url = $String(object.type_url);
                if (object.value != null)
                    if (object.value.length)
                        if (typeof object.value === "string")
                            $util.base64.decode(object.value, message.value = $util.newBuffer($util.base64.length(object.value)), 0);
                        else if (object.value.length >= 0)
                            message.value = object.value;
                return message;
            };

            /**
             * Creates a plain object from an Any message. Also converts values to other types if specified.
             * @function toObject
             * @memberof google.protobuf.Any
             * @static
             * @param {google.protobuf.Any} message Any
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Any.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.type_url = "";
                    if (options.bytes === $String)
                        object.value = "";
                    else {
                        object.value = [];
                        if (options.bytes !== $Array)
                            object.value = $util.newBuffer(object.value);
                    }
                }
                if (message.type_url != null && $Object.hasOwnProperty.call(message, "type_url"))
                    object.type_url = message.type_url;
                if (message.value != null && $Object.hasOwnProperty.call(message, "value"))
                    object.value = options.bytes === $String ? $util.base64.encode(message.value, 0, message.value.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.value) : message.value;
                return object;
            };

            /**
             * Converts this Any to JSON.
             * @function toJSON
             * @memberof google.protobuf.Any
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Any.prototype.toJSON = function() {
                return Any.toObject(this, $protobuf.util.toJSONOptions);
            };

            /**
             * Gets the type url for Any
             * @function getTypeUrl
             * @memberof google.protobuf.Any
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            Any.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/google.protobuf.Any";
            };

            return Any;
        })();

        protobuf.Timestamp = (function() {

            /**
             * Properties of a Timestamp.
             * @typedef {Object} google.protobuf.Timestamp.$Properties
             * @property {number|Long|null} [seconds] Timestamp seconds
             * @property {number|null} [nanos] Timestamp nanos
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Timestamp.
             * @memberof google.protobuf
             * @interface ITimestamp
             * @augments google.protobuf.Timestamp.$Properties
             * @deprecated Use google.protobuf.Timestamp.$Properties instead.
             */

            /**
             * Shape of a Timestamp.
             * @typedef {google.protobuf.Timestamp.$Properties} google.protobuf.Timestamp.$Shape
             */

            /**
             * Constructs a new Timestamp.
             * @memberof google.protobuf
             * @classdesc Represents a Timestamp.
             * @constructor
             * @param {google.protobuf.Timestamp.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Timestamp = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Timestamp seconds.
             * @member {number|Long} seconds
             * @memberof google.protobuf.Timestamp
             * @instance
             */
            Timestamp.prototype.seconds = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

            /**
             * Timestamp nanos.
             * @member {number} nanos
             * @memberof google.protobuf.Timestamp
             * @instance
             */
            Timestamp.prototype.nanos = 0;

            /**
             * Encodes the specified Timestamp message. Does not implicitly {@link google.protobuf.Timestamp.verify|verify} messages.
             * @function encode
             * @memberof google.protobuf.Timestamp
             * @static
             * @param {google.protobuf.Timestamp.$Properties} message Timestamp message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Timestamp.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.seconds != null && $Object.hasOwnProperty.call(message, "seconds") && (typeof message.seconds === "object" ? message.seconds.low || message.seconds.high : message.seconds !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).int64(message.seconds);
                if (message.nanos != null && $Object.hasOwnProperty.call(message, "nanos") && message.nanos !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).int32(message.nanos);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Timestamp message from the specified reader or buffer.
             * @function decode
             * @memberof google.protobuf.Timestamp
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {google.protobuf.Timestamp & google.protobuf.Timestamp.$Shape} Timestamp
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Timestamp.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.google.protobuf.Timestamp();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                                message.seconds = value;
                            else
                                delete message.seconds;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.nanos = value;
                            else
                                delete message.nanos;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a Timestamp message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof google.protobuf.Timestamp
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {google.protobuf.Timestamp} Timestamp
             */
            Timestamp.fromObject = function (object, _depth) {
                if (object instanceof $root.google.protobuf.Timestamp)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".google.protobuf.Timestamp: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.google.protobuf.Timestamp();
                if (object.seconds != null)
                    if (typeof object.seconds === "object" ? object.seconds.low || object.seconds.high : $Number(object.seconds) !== 0)
                        if ($util.Long)
                            message.seconds = $util.Long.fromValue(object.seconds, false);
                        else if (typeof object.seconds === "string")
                            message.seconds = $parseInt(object.seconds, 10);
                        else if (typeof object.seconds === "number")
                            message.seconds = object.seconds;
                        else if (typeof object.seconds === "object")
                            message.seconds = new $util.LongBits(object.seconds.low >>> 0, object.seconds.high >>> 0).toNumber();
                if (object.nanos != null)
                    if ($Number(object.nanos) !== 0)
                        message.nanos = object.nanos | 0;
                return message;
            };

            /**
             * Creates a plain object from a Timestamp message. Also converts values to other types if specified.
             * @function toObject
             * @memberof google.protobuf.Timestamp
             * @static
             * @param {google.protobuf.Timestamp} message Timestamp
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Timestamp.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, false);
                        object.seconds = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.seconds = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.nanos = 0;
                }
                if (message.seconds != null && $Object.hasOwnProperty.call(message, "seconds"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.seconds = typeof message.seconds === "number" ? $BigInt(message.seconds) : $util.Long.fromBits(message.seconds.low >>> 0, message.seconds.high >>> 0, false).toBigInt();
                    else if (typeof message.seconds === "number")
                        object.seconds = options.longs === $String ? $String(message.seconds) : message.seconds;
                    else
                        object.seconds = options.longs === $String ? $util.Long.prototype.toString.call(message.seconds) : options.longs === $Number ? new $util.LongBits(message.seconds.low >>> 0, message.seconds.high >>> 0).toNumber() : message.seconds;
                if (message.nanos != null && $Object.hasOwnProperty.call(message, "nanos"))
                    object.nanos = message.nanos;
                return object;
            };

            /**
             * Converts this Timestamp to JSON.
             * @function toJSON
             * @memberof google.protobuf.Timestamp
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Timestamp.prototype.toJSON = function() {
                return Timestamp.toObject(this, $protobuf.util.toJSONOptions);
            };

            /**
             * Gets the type url for Timestamp
             * @function getTypeUrl
             * @memberof google.protobuf.Timestamp
             * @static
             * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
             * @returns {string} The type url
             */
            Timestamp.getTypeUrl = function(prefix) {
                if (prefix === $undefined)
                    prefix = "type.googleapis.com";
                return prefix + "/google.protobuf.Timestamp";
            };

            return Timestamp;
        })();

        return protobuf;
    })();

    return google;
})();

export {
  $root as default
};
