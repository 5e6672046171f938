package dev.weft.cpu.vector;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Instruction;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.PseudoInstruction;
import java.lang.classfile.TypeKind;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ExceptionCatch;
import java.lang.classfile.instruction.IncrementInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;

/**
 * Puts the bodies of {@link Inlined} functions in the place of their calls when a class of kernels
 * is loaded.
 *
 * <p>The compiler boxes a vector that reaches a method which it does not inline, and whether it
 * does depends on what it compiled before. Here a kernel is one method whatever happens, and its
 * source is still made of functions. A function may be in any class of this package, and may call
 * others; it may not switch, catch, or call itself.
 */
final class Inliner {
  private static final String INLINED = Inlined.class.descriptorString();
  private static final String EXACT = Exact.class.descriptorString();
  private static final ClassDesc CLASS = ConstantDescs.CD_Class;
  private static final MethodTypeDesc CAST =
      MethodTypeDesc.of(ConstantDescs.CD_Object, ConstantDescs.CD_Object);

  /** The constants of a template that hold exact classes, by the abstract class. */
  private static final Map<ClassDesc, String> EXACT_CLASSES =
      Map.of(
          ByteVector.class.describeConstable().orElseThrow(), "BYTES",
          ShortVector.class.describeConstable().orElseThrow(), "SHORTS",
          IntVector.class.describeConstable().orElseThrow(), "INTS",
          LongVector.class.describeConstable().orElseThrow(), "LONGS",
          FloatVector.class.describeConstable().orElseThrow(), "FLOATS",
          DoubleVector.class.describeConstable().orElseThrow(), "DOUBLES");

  private static final String PACKAGE = Inliner.class.getPackageName().replace('.', '/') + "/";

  private final ClassFile classFile =
      ClassFile.of(
          ClassFile.ClassHierarchyResolverOption.of(
              ClassHierarchyResolver.ofClassLoading(Inliner.class.getClassLoader())));
  private final Map<String, Map<String, Function>> functions = new HashMap<>();
  private ClassDesc template;

  private record Function(CodeAttribute code, boolean exact) {}

  /** The class file of {@code template} without calls of inlined functions. */
  static byte[] classFile(Class<?> template) {
    String name = template.getName();
    return new Inliner().inline(name.substring(name.lastIndexOf('.') + 1));
  }

  private byte[] inline(String template) {
    ClassModel model = parse(template);
    this.template = model.thisClass().asSymbol();
    return classFile.transformClass(
        model,
        ClassTransform.dropping(e -> e instanceof MethodModel method && has(method, INLINED))
            .andThen(
                (builder, element) -> {
                  if (element instanceof MethodModel method && method.code().isPresent()) {
                    int locals = ((CodeAttribute) method.code().get()).maxLocals();
                    boolean exact = has(method, EXACT);
                    CodeTransform calls = (code, e) -> put(code, e, locals, exact);
                    builder.transformMethod(method, MethodTransform.transformingCode(calls));
                  } else {
                    builder.with(element);
                  }
                }));
  }

  /** Writes an element, or the function that it calls; see {@link #expand} and {@link Exact}. */
  private void put(CodeBuilder code, CodeElement element, int locals, boolean exact) {
    if (expand(code, element, locals, exact)) {
      return;
    }
    code.with(element);
    if (exact && element instanceof InvokeInstruction call) {
      ClassDesc type = call.typeSymbol().returnType();
      String constant = EXACT_CLASSES.get(type);
      if (constant != null) {
        code.getstatic(template, constant, CLASS).swap();
        code.invokevirtual(CLASS, "cast", CAST).checkcast(type);
      }
    }
  }

  /**
   * Writes the body of the function that {@code element} calls; false if it calls none.
   *
   * @param locals the first local variable that is free
   * @param exact whether vectors are cast to their exact class
   */
  private boolean expand(CodeBuilder code, CodeElement element, int locals, boolean exact) {
    if (!(element instanceof InvokeInstruction call) || call.opcode() != Opcode.INVOKESTATIC) {
      return false;
    }
    Function function = function(call.method());
    if (function == null) {
      return false;
    }
    CodeAttribute body = function.code();
    MethodTypeDesc type = call.typeSymbol();
    int slot = locals;
    for (int i = 0; i < type.parameterCount(); i++) {
      slot += TypeKind.from(type.parameterType(i)).slotSize();
    }
    for (int i = type.parameterCount() - 1; i >= 0; i--) {
      TypeKind kind = TypeKind.from(type.parameterType(i));
      slot -= kind.slotSize();
      code.storeLocal(kind, slot);
    }
    List<CodeElement> elements = body.elementList();
    int last = elements.size() - 1;
    while (!(elements.get(last) instanceof Instruction)) {
      last--;
    }
    Label end = code.newLabel();
    Map<Label, Label> labels = new HashMap<>();
    boolean exactInside = exact || function.exact();
    for (int i = 0; i < elements.size(); i++) {
      if (elements.get(i) instanceof ReturnInstruction) {
        if (i != last) {
          code.goto_(end);
        }
      } else {
        copy(code, elements.get(i), locals, locals + body.maxLocals(), exactInside, labels);
      }
    }
    code.labelBinding(end);
    return true;
  }

  private void copy(
      CodeBuilder code,
      CodeElement element,
      int shift,
      int locals,
      boolean exact,
      Map<Label, Label> labels) {
    switch (element) {
      case LoadInstruction e -> code.loadLocal(e.typeKind(), e.slot() + shift);
      case StoreInstruction e -> code.storeLocal(e.typeKind(), e.slot() + shift);
      case IncrementInstruction e -> code.iinc(e.slot() + shift, e.constant());
      case BranchInstruction e ->
          code.branch(e.opcode(), labels.computeIfAbsent(e.target(), l -> code.newLabel()));
      case LabelTarget e ->
          code.labelBinding(labels.computeIfAbsent(e.label(), l -> code.newLabel()));
      case TableSwitchInstruction e -> throw new AssertionError("an inlined function switches");
      case LookupSwitchInstruction e -> throw new AssertionError("an inlined function switches");
      case ExceptionCatch e -> throw new AssertionError("an inlined function catches");
      case LineNumber e -> {} // of another file
      case PseudoInstruction e -> {} // names of local variables
      default -> put(code, element, locals, exact);
    }
  }

  private Function function(MemberRefEntry method) {
    String owner = method.owner().asInternalName();
    if (!owner.startsWith(PACKAGE)) {
      return null;
    }
    return functions
        .computeIfAbsent(owner.substring(PACKAGE.length()), this::functions)
        .get(method.name().stringValue() + method.type().stringValue());
  }

  private Map<String, Function> functions(String simpleName) {
    Map<String, Function> found = new HashMap<>();
    for (MethodModel method : parse(simpleName).methods()) {
      if (has(method, INLINED)) {
        found.put(
            method.methodName().stringValue() + method.methodType().stringValue(),
            new Function((CodeAttribute) method.code().orElseThrow(), has(method, EXACT)));
      }
    }
    return found;
  }

  private static boolean has(MethodModel method, String annotation) {
    return method
        .findAttribute(Attributes.runtimeInvisibleAnnotations())
        .map(
            attribute ->
                attribute.annotations().stream()
                    .anyMatch(a -> a.className().stringValue().equals(annotation)))
        .orElse(false);
  }

  private ClassModel parse(String simpleName) {
    try (InputStream in = Inliner.class.getResourceAsStream(simpleName + ".class")) {
      return classFile.parse(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
