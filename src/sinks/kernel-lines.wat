;; Reads kernel lines as Talos writes them: one JSON object with exactly these seven keys, in this order (Go sorts the keys
;; of a map), without spaces, ended by a line feed (facts/talos-client.md section 5.1). Sixteen bytes at a time, which
;; JavaScript cannot do: there the same takes five times longer.
;;
;; What is read lies in memory up to a line feed at the end, and 16 bytes behind that may be looked at as well. Nothing
;; goes beyond a line feed that is not the end of a line: it is in no literal, no number and no string.
(module
  (import "host" "memory" (memory 1))

  ;; What stands between the values, each at a multiple of 16.
  (data (i32.const 0) "{\"clock\":")
  (data (i32.const 16) ",\"facility\":\"")
  (data (i32.const 32) ",\"msg\":\"")
  (data (i32.const 48) ",\"priority\":\"")
  (data (i32.const 64) ",\"seq\":")
  (data (i32.const 80) ",\"talos-level\":\"")
  (data (i32.const 96) ",\"talos-time\":\"")
  (data (i32.const 112) "debuinfowarnerro")

  ;; Two characters of each name of a secret, one character in all sixteen lanes.
  (global $first0 (mut v128) (v128.const i64x2 0 0))
  (global $first1 (mut v128) (v128.const i64x2 0 0))
  (global $second0 (mut v128) (v128.const i64x2 0 0))
  (global $second1 (mut v128) (v128.const i64x2 0 0))
  (global $third0 (mut v128) (v128.const i64x2 0 0))
  (global $third1 (mut v128) (v128.const i64x2 0 0))
  ;; Not zero: the characters of a secret's name stand in the strings of this line, or just behind one.
  (global $hints (mut v128) (v128.const i64x2 0 0))

  (func (export "setHints")
    (param $a0 i32) (param $a1 i32) (param $b0 i32) (param $b1 i32) (param $c0 i32) (param $c1 i32)
    (global.set $first0 (i8x16.splat (local.get $a0)))
    (global.set $first1 (i8x16.splat (local.get $a1)))
    (global.set $second0 (i8x16.splat (local.get $b0)))
    (global.set $second1 (i8x16.splat (local.get $b1)))
    (global.set $third0 (i8x16.splat (local.get $c0)))
    (global.set $third1 (i8x16.splat (local.get $c1))))

  ;; Whether the same eight bytes stand at both places.
  (func $same8 (param $a i32) (param $b i32) (result i32)
    (i64.eq (i64.load align=1 (local.get $a)) (i64.load align=1 (local.get $b))))

  ;; The value of a hexadecimal digit, or more than 15.
  (func $hex (param $char i32) (result i32)
    (local $digit i32)
    (if (i32.le_u (local.tee $digit (i32.sub (local.get $char) (i32.const 0x30))) (i32.const 9))
      (then (return (local.get $digit))))
    (local.set $digit (i32.sub (i32.or (local.get $char) (i32.const 0x20)) (i32.const 0x61)))
    (select (i32.add (local.get $digit) (i32.const 10)) (i32.const 16) (i32.le_u (local.get $digit) (i32.const 5))))

  ;; Whether four hexadecimal digits stand here, of a character that no encoder would rather have written as it is: an
  ;; escaped letter, digit or dot could hide the name of a secret. Control characters, DEL and beyond, " & ' < > are usual.
  (func $usualCode (param $at i32) (result i32)
    (local $end i32) (local $code i32) (local $digit i32)
    (local.set $end (i32.add (local.get $at) (i32.const 4)))
    (loop $next
      ;; A line feed is no digit, so this stops before the end of the line.
      (local.set $digit (call $hex (i32.load8_u (local.get $at))))
      (if (i32.gt_u (local.get $digit) (i32.const 15)) (then (return (i32.const 0))))
      (local.set $code (i32.or (i32.shl (local.get $code) (i32.const 4)) (local.get $digit)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end))))
    (if (i32.lt_u (local.get $code) (i32.const 0x20)) (then (return (i32.const 1))))
    (if (i32.gt_u (local.get $code) (i32.const 0x7e)) (then (return (i32.const 1))))
    (i32.or
      (i32.or (i32.eq (local.get $code) (i32.const 0x22)) (i32.eq (local.get $code) (i32.const 0x26)))
      (i32.or
        (i32.eq (local.get $code) (i32.const 0x27))
        (i32.or (i32.eq (local.get $code) (i32.const 0x3c)) (i32.eq (local.get $code) (i32.const 0x3e))))))

  ;; Behind the escape whose backslash stands here, or 0.
  (func $escape (param $at i32) (result i32)
    (local $char i32)
    (local.set $char (i32.load8_u offset=1 (local.get $at)))
    (if (i32.eq (local.get $char) (i32.const 0x6e)) ;; n: each message ends with one
      (then (return (i32.add (local.get $at) (i32.const 2)))))
    (if (i32.eq (local.get $char) (i32.const 0x75)) ;; u
      (then
        (return (select
          (i32.add (local.get $at) (i32.const 6))
          (i32.const 0)
          (call $usualCode (i32.add (local.get $at) (i32.const 2)))))))
    (select
      (i32.add (local.get $at) (i32.const 2))
      (i32.const 0)
      (i32.or
        (i32.or
          (i32.or (i32.eq (local.get $char) (i32.const 0x22)) (i32.eq (local.get $char) (i32.const 0x5c))) ;; " \
          (i32.or (i32.eq (local.get $char) (i32.const 0x2f)) (i32.eq (local.get $char) (i32.const 0x62)))) ;; / b
        (i32.or
          (i32.or (i32.eq (local.get $char) (i32.const 0x66)) (i32.eq (local.get $char) (i32.const 0x72))) ;; f r
          (i32.eq (local.get $char) (i32.const 0x74)))))) ;; t

  ;; Behind the closing quote of the string whose first character stands here, or 0.
  (func $string (param $at i32) (result i32)
    (local $bytes v128) (local $after v128) (local $special i32) (local $char i32)
    (loop $next
      (local.set $bytes (v128.load align=1 (local.get $at)))
      (local.set $after (v128.load offset=1 align=1 (local.get $at)))
      (global.set $hints
        (v128.or
          (global.get $hints)
          (v128.or
            (v128.and
              (i8x16.eq (local.get $bytes) (global.get $first0))
              (i8x16.eq (local.get $after) (global.get $first1)))
            (v128.or
              (v128.and
                (i8x16.eq (local.get $bytes) (global.get $second0))
                (i8x16.eq (local.get $after) (global.get $second1)))
              (v128.and
                (i8x16.eq (local.get $bytes) (global.get $third0))
                (i8x16.eq (local.get $after) (global.get $third1)))))))
      ;; A quote, a backslash, a control character.
      (local.set $special
        (i8x16.bitmask
          (v128.or
            (v128.or
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
              (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5c))))
            (i8x16.le_u (local.get $bytes) (i8x16.splat (i32.const 0x1f))))))
      (if (i32.eqz (local.get $special))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br $next)))
      (local.set $at (i32.add (local.get $at) (i32.ctz (local.get $special))))
      (local.set $char (i32.load8_u (local.get $at)))
      (if (i32.eq (local.get $char) (i32.const 0x22)) (then (return (i32.add (local.get $at) (i32.const 1)))))
      (if (i32.ne (local.get $char) (i32.const 0x5c)) (then (return (i32.const 0))))
      (br_if $next (local.tee $at (call $escape (local.get $at)))))
    (i32.const 0))

  ;; Behind the plain non-negative integer that stands here, or 0; its value goes to $into. At most 15 digits, which a
  ;; double holds, and no leading zeros.
  (func $number (param $at i32) (param $into i32) (result i32)
    (local $start i32) (local $value i64) (local $digit i32) (local $length i32)
    (local.set $start (local.get $at))
    (loop $next
      (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)))
      (if (i32.le_u (local.get $digit) (i32.const 9))
        (then
          (local.set $value
            (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (local.get $digit))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next))))
    (local.set $length (i32.sub (local.get $at) (local.get $start)))
    (if (i32.gt_u (i32.sub (local.get $length) (i32.const 1)) (i32.const 14)) (then (return (i32.const 0))))
    (if (i32.eq (i32.load8_u (local.get $start)) (i32.const 0x30))
      (then (if (i32.gt_u (local.get $length) (i32.const 1)) (then (return (i32.const 0))))))
    (f64.store (local.get $into) (f64.convert_i64_u (local.get $value)))
    (local.get $at))

  ;; The index of the level whose name stands here, 4 for any other: debug, info, warn, error.
  (func $level (param $at i32) (result i32)
    (local $name i32) (local $end i32)
    (local.set $name (i32.load align=1 (local.get $at)))
    ;; The two bytes behind the first four; a quote closes the string.
    (local.set $end (i32.load16_u offset=4 align=1 (local.get $at)))
    (if (i32.eq (i32.and (local.get $end) (i32.const 0xff)) (i32.const 0x22))
      (then
        (if (i32.eq (local.get $name) (i32.load (i32.const 116))) (then (return (i32.const 1))))
        (if (i32.eq (local.get $name) (i32.load (i32.const 120))) (then (return (i32.const 2))))
        (return (i32.const 4))))
    (if (i32.eq (local.get $end) (i32.const 0x2267)) ;; g"
      (then (if (i32.eq (local.get $name) (i32.load (i32.const 112))) (then (return (i32.const 0))))))
    (if (i32.eq (local.get $end) (i32.const 0x2272)) ;; r"
      (then (if (i32.eq (local.get $name) (i32.load (i32.const 124))) (then (return (i32.const 3))))))
    (i32.const 4))

  ;; Reads one line; behind its line feed, or 0. Fills the row: level, seq, clock.
  (func $line (param $at i32) (param $row i32) (result i32)
    (if (i32.eqz (call $same8 (local.get $at) (i32.const 0))) (then (return (i32.const 0))))
    (if (i32.ne (i32.load8_u offset=8 (local.get $at)) (i32.const 0x3a)) (then (return (i32.const 0)))) ;; :
    (local.set $at
      (call $number (i32.add (local.get $at) (i32.const 9)) (i32.add (local.get $row) (i32.const 16))))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))

    (if (i32.eqz (call $same8 (local.get $at) (i32.const 16))) (then (return (i32.const 0))))
    (if (i32.eqz (call $same8 (i32.add (local.get $at) (i32.const 5)) (i32.const 21))) (then (return (i32.const 0))))
    (local.set $at (call $string (i32.add (local.get $at) (i32.const 13))))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))

    (if (i32.eqz (call $same8 (local.get $at) (i32.const 32))) (then (return (i32.const 0))))
    (local.set $at (call $string (i32.add (local.get $at) (i32.const 8))))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))

    (if (i32.eqz (call $same8 (local.get $at) (i32.const 48))) (then (return (i32.const 0))))
    (if (i32.eqz (call $same8 (i32.add (local.get $at) (i32.const 5)) (i32.const 53))) (then (return (i32.const 0))))
    (local.set $at (call $string (i32.add (local.get $at) (i32.const 13))))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))

    ;; Seven bytes: the first four, and four from the fourth on.
    (if (i32.ne (i32.load align=1 (local.get $at)) (i32.load (i32.const 64))) (then (return (i32.const 0))))
    (if (i32.ne (i32.load offset=3 align=1 (local.get $at)) (i32.load align=1 (i32.const 67)))
      (then (return (i32.const 0))))
    (local.set $at
      (call $number (i32.add (local.get $at) (i32.const 7)) (i32.add (local.get $row) (i32.const 8))))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))

    (if (i32.eqz (call $same8 (local.get $at) (i32.const 80))) (then (return (i32.const 0))))
    (if (i32.eqz (call $same8 (i32.add (local.get $at) (i32.const 8)) (i32.const 88))) (then (return (i32.const 0))))
    (local.set $at (i32.add (local.get $at) (i32.const 16)))
    (i32.store16 offset=4 (local.get $row) (call $level (local.get $at)))
    (local.set $at (call $string (local.get $at)))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))

    (if (i32.eqz (call $same8 (local.get $at) (i32.const 96))) (then (return (i32.const 0))))
    (if (i32.eqz (call $same8 (i32.add (local.get $at) (i32.const 7)) (i32.const 103))) (then (return (i32.const 0))))
    (local.set $at (call $string (i32.add (local.get $at) (i32.const 15))))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))
    (if (i32.ne (i32.load16_u align=1 (local.get $at)) (i32.const 0x0a7d)) (then (return (i32.const 0)))) ;; }, line feed
    (i32.add (local.get $at) (i32.const 2)))

  ;; Reads lines from $at to $end as long as they are kernel lines, at most $most; returns how many. A row for each, 24
  ;; bytes: i32 offset behind it, i16 level, i16 whether it has hints, f64 seq, f64 clock.
  (func (export "scan") (param $at i32) (param $end i32) (param $row i32) (param $most i32) (result i32)
    (local $count i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (br_if $done (i32.ge_u (local.get $count) (local.get $most)))
        (global.set $hints (v128.const i64x2 0 0))
        (br_if $done (i32.eqz (local.tee $at (call $line (local.get $at) (local.get $row)))))
        (i32.store (local.get $row) (local.get $at))
        (i32.store16 offset=6 (local.get $row) (v128.any_true (global.get $hints)))
        (local.set $row (i32.add (local.get $row) (i32.const 24)))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br $next)))
    (local.get $count)))
